// SPDX-License-Identifier: Apache-2.0

package crl

// CacheKey is where a list stands in the cache.
var CacheKey = cacheKey

// PieceKey is where the first piece of the index stands that a sealed card is of; "" where the card is not right.
func PieceKey(url string, sealed, key []byte) string {
	c, err := openCard(key, sealed, url)
	if err != nil {
		return ""
	}
	return pieceKey(url, c.Leaves, 0)
}

// ReadDate and ReadUTC are two readings of one form.
var (
	ReadDate = readDate
	ReadUTC  = readUTC
)
