// SPDX-License-Identifier: Apache-2.0

// Package walk answers one question: can people do with a browser what the console is for?
//
// Its tests start the program's demo as a process and walk its pages in a real Chromium: every path of every regulation from the
// first page to the opened licence, with NCALayer's double signing, each failure of signing, the keyboard alone, and without
// JavaScript. On every page state axe-core is asked for violations, and no width overflows. Whatever a page asks of another
// machine fails the test.
//
// Left out: what a person thinks of the pages; `make pictures` shows them.
package walk
