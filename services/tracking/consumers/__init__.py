"""What tracking listens to: reported clicks, and contacts."""
