"""The derivation of one network's backward pass, as a document without a format: exporters write it."""
