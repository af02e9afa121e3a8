// SPDX-License-Identifier: Apache-2.0

//go:build race

package gost_test

// underRace: the race detector makes this arithmetic some thirty times slower.
const underRace = true
