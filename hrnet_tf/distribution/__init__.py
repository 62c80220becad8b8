"""Training on several devices: what `tf.distribute` and Keras leave to be done."""
