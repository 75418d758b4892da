"""What a report says, set as text, Markdown, CSV, LaTeX and Typst."""
