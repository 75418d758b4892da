"""THE CONTESTANTS: one file (or one folder) a method, in a folder a family; `catalog` finds them."""
