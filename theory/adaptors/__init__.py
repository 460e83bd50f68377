"""Sampling adaptors on finite models: their laws, moments, gauges and reach."""
