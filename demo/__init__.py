"""The demo city 新余: public data with licence notes, and what is made from it by fixed recipes."""
