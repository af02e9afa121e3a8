// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"rastau/crl"
	"rastau/internal/ocsp"
)

// origin says where revocation data came from.
type origin string

const (
	given    origin = "given"    // by the asker
	embedded origin = "embedded" // in the signature or the document
	network  origin = "network"
)

// maxEmbedded bounds the lists, and the responses, that one message may embed for
// its path: a hostile one may carry thousands. A path of four with timestamps
// needs a dozen.
const maxEmbedded = 64

// heldList and heldResponse remember where the data came from.
type heldList struct {
	*crl.List
	from origin
}

type heldResponse struct {
	der   []byte
	from  origin
	nonce []byte // that was sent for it; nil where nobody asked
}

// evidence is the revocation data at hand.
type evidence struct {
	lists     []heldList
	responses []heldResponse
	keeper    *keeper
}

func (e *evidence) addLists(from origin, lists []*crl.List) {
	for _, l := range lists {
		e.lists = append(e.lists, heldList{l, from})
	}
}

func (e *evidence) addResponses(from origin, ders [][]byte) {
	for _, der := range ders {
		e.responses = append(e.responses, heldResponse{der: der, from: from})
	}
}

// plus gives the evidence together with what a message embeds, each once. Embedded
// lists that cannot be read take no part.
func (e evidence) plus(lists, responses [][]byte) evidence {
	out := evidence{lists: slices.Clone(e.lists), responses: slices.Clone(e.responses), keeper: e.keeper}
	seen := map[[32]byte]bool{}
	for _, l := range e.lists {
		seen[l.SHA256()] = true
	}
	fresh := func(der []byte) bool {
		sum := sha256.Sum256(der)
		was := seen[sum]
		seen[sum] = true
		return !was
	}
	for _, der := range lists[:min(len(lists), maxEmbedded)] {
		if !fresh(der) {
			continue
		}
		if l, err := crl.Parse(der, crl.Limits{}); err == nil {
			out.addLists(embedded, []*crl.List{l})
			e.keeper.keep(PieceList, embedded, der)
		}
	}
	for _, der := range responses[:min(len(responses), maxEmbedded)] {
		if fresh(der) {
			out.addResponses(embedded, [][]byte{der})
			e.keeper.keep(PieceResponse, embedded, der)
		}
	}
	return out
}

// and gives the evidence together with other evidence, each piece once.
func (e evidence) and(other evidence) evidence {
	out := evidence{lists: slices.Clone(e.lists), responses: slices.Clone(e.responses), keeper: e.keeper}
	seen := map[[32]byte]bool{}
	for _, l := range e.lists {
		seen[l.SHA256()] = true
	}
	for _, r := range e.responses {
		seen[sha256.Sum256(r.der)] = true
	}
	for _, l := range other.lists {
		if !seen[l.SHA256()] {
			out.lists = append(out.lists, l)
		}
	}
	for _, r := range other.responses {
		if !seen[sha256.Sum256(r.der)] {
			out.responses = append(out.responses, r)
		}
	}
	return out
}

// originOf finds where a list came from.
func originOf(lists []heldList, l *crl.List) origin {
	for _, h := range lists {
		if h.List == l {
			return h.from
		}
	}
	return given
}

// listEvidence and responseEvidence name the data used: its digest, kind, source,
// times and the rule of freshness it was held against.
func listEvidence(l *crl.List, from origin, rule string) string {
	kind := "crl"
	if l.BaseNumber != nil {
		kind = "delta-crl"
	}
	return dataEvidence(l.SHA256(), kind, from, l.ThisUpdate, l.NextUpdate, rule)
}

func responseEvidence(der []byte, a ocsp.Answer, from origin, rule string) string {
	return dataEvidence(sha256.Sum256(der), "ocsp", from, a.ThisUpdate, a.NextUpdate, rule)
}

func dataEvidence(sum [32]byte, kind string, from origin, this, next time.Time, rule string) string {
	var room [256]byte // one text, written in one go: every signature has several
	out := hex.AppendEncode(append(room[:0], "sha256:"...), sum[:])
	out = append(append(append(out, ' '), kind...), " source="...)
	out = appendStamp(append(append(out, from...), " thisUpdate="...), this)
	out = appendStamp(append(out, " nextUpdate="...), next)
	out = append(append(append(out, " freshness="...), rule...), " order="+sourceOrder...)
	return string(out)
}

// freshness names the rule that revocation data were held against (EN 319 102-1 §5.2.5.4).
func (in *inquiry) freshness() string {
	if in.q.MaxAge > 0 {
		return "max-age:" + in.q.MaxAge.String()
	}
	return "until-nextUpdate"
}
