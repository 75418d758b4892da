"""What a report says, numbers and words without layout."""
