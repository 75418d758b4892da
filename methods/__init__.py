"""THE CONTESTANTS: one file or one folder per method, in one folder per family; `catalog` finds them."""
