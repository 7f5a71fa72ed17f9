"""What passes between the city and those who reported: messages, templates, ratings, and what of a report is published."""
