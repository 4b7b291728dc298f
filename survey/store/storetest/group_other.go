//go:build !unix

package storetest

import "syscall"

func ownGroup() *syscall.SysProcAttr { return nil }
