// SPDX-License-Identifier: Apache-2.0

package ncalayer

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"rastau/internal/pki"
)

// Modules that the double has.
const (
	moduleBasics = "kz.gov.pki.knca.basics"
	moduleCommon = "kz.gov.pki.knca.commonUtils"
)

// Codes of errors of the module basics.
const (
	codeParams  = "INVALID_SIGNING_PARAMS"
	codeSigning = "SIGNING_FAILURE"
	codeInvoke  = "INVOCATION_ERROR"
)

type object = map[string]any

// answer is the reply to one question, as the program would write it.
func (d *Double) answer(ctx context.Context, question []byte, n Next) any {
	var q struct {
		Module, Method string
		Args           json.RawMessage
		UUID           json.RawMessage // echoed by commonUtils
	}
	if err := json.Unmarshal(question, &q); err != nil {
		return object{"success": false, "code": "COMMON_JSON_WRAPPING_EXCEPTION"}
	}
	switch q.Module {
	case moduleBasics:
		return d.basics(ctx, q.Method, q.Args, n)
	case moduleCommon:
		reply := d.common(ctx, q.Method, q.Args, n)
		if q.UUID != nil {
			reply["uuid"] = q.UUID
		}
		return reply
	}
	return object{"success": false, "errorCode": "MODULE_NOT_FOUND"}
}

// failure is an error of the module basics.
type failure struct{ code, message string }

func (f *failure) Error() string { return f.code + ": " + f.message }

func (f *failure) reply() object {
	return object{"status": false, "code": f.code, "message": f.message, "details": ""}
}

type basicsArgs struct {
	AllowedStorages []string
	Format          string
	Data            json.RawMessage // a string or several
	SigningParams   struct {
		Decode, Encapsulate, Digested          *bool
		TSAProfile                             json.RawMessage
		AllowExpired, AllowRevoked, OutputCert *bool
	}
	SignerParams struct {
		ExtKeyUsageOIDs []pki.OID
		IIN, BIN        string
		SerialNumber    string
		Chain           []string
	}
	Locale string
}

// basics is the module basics: one method, sign.
func (d *Double) basics(ctx context.Context, method string, raw json.RawMessage, n Next) object {
	if method != "sign" {
		return (&failure{codeInvoke, "this double signs and does nothing else"}).reply()
	}
	var a basicsArgs
	if err := json.Unmarshal(raw, &a); err != nil {
		return (&failure{codeParams, "args cannot be read"}).reply()
	}
	switch n.Fault {
	case Cancelled:
		return object{"status": true, "body": object{}}
	case Failing:
		return (&failure{codeSigning, "the fault that was ordered"}).reply()
	}
	key, err := d.choose(a, n.Key)
	if err != nil {
		return err.reply()
	}
	body, err := d.signAll(ctx, key, a)
	if err != nil {
		return err.reply()
	}
	return object{"status": true, "body": body}
}

// choose takes the key that was named for this question, where it fits, else the first that fits the page's filter.
func (d *Double) choose(a basicsArgs, named string) (Key, *failure) {
	if a.AllowedStorages != nil && !slices.Contains(a.AllowedStorages, storage) {
		return Key{}, &failure{codeParams, "no allowed storage is at hand; there is " + storage}
	}
	for _, k := range d.o.Keys {
		if (named == "" || k.Alias == named) && d.fits(k, a) {
			return k, nil
		}
	}
	return Key{}, &failure{codeSigning, fmt.Sprintf("no key here fits the filter: IIN %s, BIN %s, purposes %v",
		or(a.SignerParams.IIN), or(a.SignerParams.BIN), a.SignerParams.ExtKeyUsageOIDs)}
}

// fits holds a key to the page's filter: every purpose asked for, the person's and the body's number, the time.
func (d *Double) fits(k Key, a basicsArgs) bool {
	s, h := a.SignerParams, pki.HolderOf(k.Certificate)
	for _, o := range s.ExtKeyUsageOIDs {
		if !k.Certificate.HasExtKeyUsage(o) {
			return false
		}
	}
	if s.IIN != "" && s.IIN != h.IIN || s.BIN != "" && s.BIN != h.BIN || s.SerialNumber != "" && s.SerialNumber != k.Certificate.SerialHex() {
		return false
	}
	if now := d.o.Now(); !yes(a.SigningParams.AllowExpired, false) && (now.Before(k.Certificate.NotBefore) || now.After(k.Certificate.NotAfter)) {
		return false
	}
	return len(s.Chain) == 0 || issuedBelow(k, s.Chain)
}

// issuedBelow says whether one of the certificates (PEM) stands above the key's.
func issuedBelow(k Key, chain []string) bool {
	for _, text := range chain {
		above, err := pki.ReadCertificates([]byte(text))
		if err != nil {
			continue
		}
		for _, c := range above {
			if c.Subject.Equal(k.Certificate.Issuer) && k.Certificate.CheckSignatureFrom(&c.PublicKey) == nil {
				return true
			}
		}
	}
	return false
}

func yes(given *bool, otherwise bool) bool {
	if given == nil {
		return otherwise
	}
	return *given
}
