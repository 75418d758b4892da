"""Images: resampling, block statistics, regression between bands."""
