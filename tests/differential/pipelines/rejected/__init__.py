"""Wrong definitions: both SDKs reject each, and the message names the fault."""
