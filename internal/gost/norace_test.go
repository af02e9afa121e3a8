// SPDX-License-Identifier: Apache-2.0

//go:build !race

package gost_test

const underRace = false
