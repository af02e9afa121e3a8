// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package crl

import (
	"io"
	"os"
)

// memory is what the system gave outside the heap: nothing, here.
type memory struct{}

func (*memory) free()       {}
func (*memory) touched(int) {}

// reserve gives size octets.
func reserve(size int) ([]byte, *memory, error) { return make([]byte, size), nil, nil }

// allocate gives size octets.
func allocate(size int) ([]byte, *memory) { return make([]byte, size), nil }

// mapFile gives the octets of a file.
func mapFile(f *os.File) ([]byte, *memory, error) {
	b, err := io.ReadAll(f)
	return b, nil, err
}
