"""Images: resampling, blurs, and regression between the bands of two images."""
