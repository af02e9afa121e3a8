// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"time"

	"rastau/internal/phrase"
	"rastau/internal/pki"
	"rastau/verifier"
)

// Message is what a person is told: which refusal (M1…M6), why and what to do next, in three languages.
// Codes besides the refusals: CodeRegistered and CodeLater.
type Message struct {
	Code   string      `json:"code"`   // "M3"
	Reason string      `json:"reason"` // "expired"
	Text   phrase.Text `json:"text"`
	Next   phrase.Text `json:"next"`
}

// Codes of messages that are no refusal.
const (
	CodeRegistered = "registered"
	CodeLater      = "later"
)

// refusalMessage finds the text of a refusal by its cause, else that of the
// refusal alone.
func refusalMessage(code, reason string, args map[string]string) Message {
	key := "refusal." + code + "." + reason
	switch {
	case phrase.Has(key):
	case phrase.Has("workflow." + key):
		key = "workflow." + key
	default:
		key = "refusal." + code
	}
	next := "workflow.refusal.next"
	if args["fee"] != "" {
		next = "workflow.unpaid.next"
	}
	if phrase.Has(key + ".next") {
		next = key + ".next"
	}
	return Message{Code: code, Reason: reason, Text: phrase.Get(key, args), Next: phrase.Get(next, args)}
}

func registeredMessage(number string, deadline time.Time, zone *time.Location) Message {
	args := map[string]string{"number": number, "deadline": deadline.In(zone).Format("02.01.2006")}
	return Message{
		Code: CodeRegistered, Reason: "registered",
		Text: phrase.Get("workflow.registered", args), Next: phrase.Get("workflow.registered.next", args),
	}
}

func laterMessage(reason string) Message {
	return Message{
		Code: CodeLater, Reason: reason,
		Text: phrase.Get("workflow.later."+reason, nil), Next: phrase.Get("workflow.later.next", nil),
	}
}

// Reasons of M3: why a signature was not confirmed.
const (
	reasonFormat        = "format"
	reasonNoSignature   = "no_signature"
	reasonContent       = "content"
	reasonAltered       = "altered"
	reasonValue         = "value"
	reasonNoCertificate = "no_certificate"
	reasonAlgorithm     = "algorithm"
	reasonChain         = "chain"
	reasonExpired       = "expired"
	reasonNotYetValid   = "not_yet_valid"
	reasonRevoked       = "revoked"
	reasonPurpose       = "purpose"
	reasonPolicy        = "policy"
	reasonIIN           = "holder_iin"
	reasonBIN           = "holder_bin"
	reasonCapacity      = "capacity"
	reasonOther         = "other"
)

// reasonOf names the cause from the finding that decided the verdict.
func reasonOf(r *verifier.Report) string {
	f := r.Deciding()
	if f == nil {
		return reasonOther
	}
	switch f.Key {
	case "document.format", "signature.attributes":
		return reasonFormat
	case "document.signature":
		return reasonNoSignature
	case "signature.content":
		return reasonContent
	case "signature.digest", "document.revision":
		return reasonAltered
	case "signature.value":
		return reasonValue
	case "signature.certificate":
		return reasonNoCertificate
	case "signature.algorithm", "cert.algorithm":
		return reasonAlgorithm
	case "cert.path":
		return reasonChain
	case "cert.validity":
		return periodReason(r, f)
	case "cert.revocation":
		return reasonRevoked
	case "cert.purpose":
		return reasonPurpose
	case "cert.policy":
		return reasonPolicy
	case "holder.iin":
		return reasonIIN
	case "holder.bin":
		return reasonBIN
	case "holder.capacity":
		return reasonCapacity
	}
	return reasonOther
}

// periodReason tells "expired" from "not yet valid", which are one
// sub-indication (OUT_OF_BOUNDS_NO_POE) where no time-stamp proves either.
func periodReason(r *verifier.Report, f *verifier.Finding) string {
	switch f.Sub {
	case verifier.NotYetValid:
		return reasonNotYetValid
	case verifier.Expired:
		return reasonExpired
	}
	for _, s := range r.Signatures {
		if s.Certificate != nil && s.Indication != verifier.TotalPassed && r.Time.Value.Before(s.Certificate.NotBefore) {
			return reasonNotYetValid
		}
	}
	return reasonExpired
}

// refuseCapacity finds a certificate of a body's employee among signatures
// that must be a person's own: the numbers may agree, the capacity does not.
func refuseCapacity(rule ApplicantRule, r *verifier.Report) bool {
	if rule.Number != byIIN {
		return false
	}
	for _, s := range r.Signatures {
		if s.Certificate == nil || len(pki.HolderOf(s.Certificate).BINs) > 0 {
			return true
		}
	}
	return false
}

// LoginRefused is refusal M1 of the portal, or M5 where staff could not log in. reason is credentials, locked or certificate.
func LoginRefused(staff bool, reason string) Message {
	code := "M1"
	if staff {
		code = "M5"
	}
	return refusalMessage(code, reason, nil)
}
