// SPDX-License-Identifier: Apache-2.0

package licensing

// The symbols of annex 1, in the order of its legend.
const (
	symbolStart        = "start-message"
	symbolEnd          = "end-message"
	symbolIntermediate = "intermediate-message"
	symbolSimpleEnd    = "simple-end"
	symbolError        = "error"
	symbolSystem       = "information-system"
	symbolProcess      = "process"
	symbolCondition    = "condition"
	symbolControl      = "control-flow"
	symbolMessage      = "message-flow"
	symbolDocument     = "document"
)

var knownSymbols = []string{
	symbolStart, symbolEnd, symbolIntermediate, symbolSimpleEnd, symbolError, symbolSystem,
	symbolProcess, symbolCondition, symbolControl, symbolMessage, symbolDocument,
}
