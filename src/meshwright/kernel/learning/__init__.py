"""What is learned here from requests, and told of it."""
