package account

// Hashed returns how many passwords were hashed so far.
func Hashed() int64 { return hashed.Load() }
