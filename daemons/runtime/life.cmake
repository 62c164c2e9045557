# rt_life: lifecycle.
