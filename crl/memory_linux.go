// SPDX-License-Identifier: Apache-2.0

package crl

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"syscall"
)

// hugeFrom is the size in bytes from which memory is asked of the system in large pages.
const hugeFrom = 8 << 20

// memory is what the system gave outside the heap. It is given back when nobody holds the memory any more: who reads the
// octets must keep it alive until done.
type memory struct{ octets []byte }

func owned(octets []byte) *memory {
	m := &memory{octets}
	runtime.AddCleanup(m, func(b []byte) { _ = syscall.Munmap(b) }, octets)
	return m
}

// allocate gives size zero octets. Large ones lie in large pages where the system has them: an index is read at random
// places, and a page of 4 KiB costs a walk through the page tables at each. memory is nil for the heap's own.
func allocate(size int) ([]byte, *memory) {
	if size >= hugeFrom {
		b, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
		if err == nil {
			_ = syscall.Madvise(b, syscall.MADV_HUGEPAGE) // else small pages: slower, no worse
			return b, owned(b)
		}
	}
	return make([]byte, size), nil
}

// mapFile gives the octets of a file without reading them.
func mapFile(f *os.File) ([]byte, *memory, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if st.Size() <= 0 || st.Size() > math.MaxInt {
		return nil, nil, fmt.Errorf("%d bytes cannot be mapped", st.Size())
	}
	b, err := syscall.Mmap(int(f.Fd()), 0, int(st.Size()), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, nil, err
	}
	return b, owned(b), nil
}
