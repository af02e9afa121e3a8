// SPDX-License-Identifier: Apache-2.0

package api

import "reflect"

// ReadFlat reports whether the quick reader took the body, and whether the strict one
// then reads the same.
func ReadFlat(body []byte) (took, same bool) {
	quick, ok := flatQuestion(body)
	if !ok {
		return false, true
	}
	var q signatureQuestion
	err := decodeJSON(body, &q)
	return true, err == nil && reflect.DeepEqual(quick, q)
}
