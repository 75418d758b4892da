"""THE PAGE: tables, LaTeX, figures, HTML; drawn from records alone, without torch and without the methods."""
