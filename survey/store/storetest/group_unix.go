//go:build unix

package storetest

import "syscall"

// ownGroup keeps an interrupt typed at the terminal from the server, so that
// tests can finish their clean-up with it.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
