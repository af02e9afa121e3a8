// SPDX-License-Identifier: Apache-2.0

// Package phrase is the one catalogue of texts that people read, in Kazakh,
// Russian and English: what a finding means, what a verdict means, what to do
// next, why an application was refused.
//
// The texts stand side by side in catalogue/*.yaml, one key with its three
// texts, so that whoever changes one sees the other two. The package leaves out
// plural forms, dates and numbers: callers hand in finished strings.
package phrase
