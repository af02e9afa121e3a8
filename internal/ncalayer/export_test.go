// SPDX-License-Identifier: Apache-2.0

package ncalayer

import "context"

// Answer is the reply to one question without a connection.
func Answer(d *Double, ctx context.Context, question []byte) any {
	return d.answer(ctx, question, Next{})
}
