"""The learned quality model: how well each model is expected to answer a question, from outcomes seen before."""
