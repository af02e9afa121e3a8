// SPDX-License-Identifier: Apache-2.0

package crl

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"sync"
	"syscall"
)

// hugeFrom is the size in bytes from which memory is asked of the system in large pages.
const hugeFrom = 8 << 20

// memory is what the system gave outside the heap. It is given back when nobody holds the memory any more: who reads the
// octets must keep it alive until done.
type memory struct {
	extent *extent
	last   runtime.Cleanup
}

// extent is a stretch of memory, of which used octets were touched; 0 where nobody knows.
type extent struct {
	octets []byte
	used   int
}

func owned(e *extent, last func(*extent)) *memory {
	m := &memory{extent: e}
	m.last = runtime.AddCleanup(m, last, e)
	return m
}

// touched says how much of it was used.
func (m *memory) touched(octets int) {
	if m != nil {
		m.extent.used = max(m.extent.used, octets)
	}
}

// free gives it back at once, the collector does not see how much it is. Nobody may read it any more.
func (m *memory) free() {
	if m != nil {
		m.last.Stop()
		retire(m.extent)
		m.extent = nil
	}
}

// spare is the memory of the largest index that went out of use: the next one takes it. Memory that a process touches for
// the first time costs far more than to write it once more, above all in a virtual machine, and whoever renews a list needs
// room for two indexes anyway.
var spare struct {
	sync.Mutex
	*extent
}

// retire keeps memory for the next index, or gives the smaller one back to the system.
func retire(e *extent) {
	spare.Lock()
	defer spare.Unlock()
	if e.used > 0 && (spare.extent == nil || e.used > spare.used) {
		spare.extent, e = e, spare.extent
	}
	unmap(e)
}

func unmap(e *extent) {
	if e != nil {
		_ = syscall.Munmap(e.octets)
	}
}

// again answers the spare memory where it is long enough and not much too much.
func again(size int) *extent {
	spare.Lock()
	defer spare.Unlock()
	e := spare.extent
	if e == nil || len(e.octets) < size || e.used > 2*size+hugeFrom {
		return nil
	}
	spare.extent = nil
	return e
}

// reserve gives size octets of any contents, which count when they are first touched only. Large ones lie in large pages
// where the system has them: an index is read at random places, and a page of 4 KiB costs a walk through the page tables at
// each. memory is nil for the heap's own.
func reserve(size int) ([]byte, *memory, error) {
	if size < hugeFrom {
		return make([]byte, size), nil, nil
	}
	e := again(size)
	if e == nil {
		b, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON|syscall.MAP_NORESERVE)
		if err != nil {
			return nil, nil, err
		}
		_ = syscall.Madvise(b, syscall.MADV_HUGEPAGE) // else small pages: slower, no worse
		e = &extent{octets: b}
	}
	return e.octets[:size:size], owned(e, retire), nil
}

// allocate is reserve for what will be used whole.
func allocate(size int) ([]byte, *memory) {
	if b, m, err := reserve(size); err == nil {
		m.touched(size)
		return b, m
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
	return b, owned(&extent{octets: b}, unmap), nil
}
