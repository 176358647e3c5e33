"""Images as pictures to look at. A view gets tensors and gives a picture; it knows neither domain nor request."""
