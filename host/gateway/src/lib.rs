//! The model gateway: one place that sends requests to model providers.
