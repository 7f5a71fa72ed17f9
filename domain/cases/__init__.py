"""Cases: one life-cycle and one clock for whatever must be acted on."""
