//! The `kube` tools: what a model may look at in a cluster.
