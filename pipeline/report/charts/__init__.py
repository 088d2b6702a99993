"""Charts by subject: figures in, a Vega-Lite specification out, nothing where none can be drawn."""
