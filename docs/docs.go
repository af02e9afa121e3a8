// SPDX-License-Identifier: Apache-2.0

// Package docs holds those pages of this folder that the program itself shows: what its reports mean must be at hand where its
// reports are read, in the words of the version that wrote them.
package docs

import _ "embed" // for the pages

// Policy is the validation policy, and Checks what follows from each check, in Markdown.
var (
	//go:embed POLICY.md
	Policy []byte
	//go:embed CHECKS.md
	Checks []byte
)
