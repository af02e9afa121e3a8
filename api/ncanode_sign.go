// SPDX-License-Identifier: Apache-2.0

package api

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/labstack/echo/v4"

	"rastau/internal/xmldsig"
	"rastau/licensing"
	"rastau/signer"
)

// ncaSigning brings the errors of signing into the table of problems: what the caller sent is the caller's, the rest is later.
func ncaSigning(err error) error {
	for _, theirs := range []error{xmldsig.ErrXML, xmldsig.ErrUnsafe, xmldsig.ErrLimit, xmldsig.ErrMessage, xmldsig.ErrSigned} {
		if errors.Is(err, theirs) {
			return ncaRefuse("xml cannot be signed: " + err.Error())
		}
	}
	return errors.Join(licensing.ErrLater, err)
}

func (s *server) ncaSignCMS(c echo.Context) (any, error) {
	a, err := ncaRead[ncaCMS](s, c)
	if err != nil {
		return nil, err
	}
	key, err := s.ncaKey(a.Signers...)
	if err != nil {
		return nil, err
	}
	if a.Data == nil {
		return nil, ncaRefuse("data is missing")
	}
	content, err := ncaBytes("data", *a.Data)
	if err != nil {
		return nil, err
	}
	level := signer.LevelB
	if a.WithTSP {
		level = signer.LevelT
	}
	signed, err := key.JSON(c.Request().Context(), content, signer.JSONOptions{Detached: a.Detached, Level: level})
	if err != nil {
		return nil, ncaSigning(err)
	}
	return struct {
		ncaStatus
		CMS string `json:"cms"`
	}{ncaOK, base64.StdEncoding.EncodeToString(signed)}, nil
}

// ncaAddCMS: a second signature in a message of somebody else's is not made here.
func (s *server) ncaAddCMS(c echo.Context) (any, error) {
	a, err := ncaRead[ncaCMS](s, c)
	if err != nil {
		return nil, err
	}
	if _, err := s.ncaKey(a.Signers...); err != nil {
		return nil, err
	}
	return nil, ncaRefuse("Adding a signature to a message of others is not offered: sign the content by itself, detached")
}

func (s *server) ncaSignXML(c echo.Context) (any, error) {
	a, err := ncaRead[ncaXML](s, c)
	if err != nil {
		return nil, err
	}
	key, err := s.ncaKey(a.Signers...)
	if err != nil {
		return nil, err
	}
	switch {
	case a.ClearSignatures || a.TrimXML:
		return nil, ncaRefuse("clearSignatures and trimXml would sign another document than the one sent: send the document as it shall be signed")
	case len(a.Signers) == 1 && a.Signers[0].ReferenceURI != "":
		return nil, ncaRefuse("referenceUri is not offered: the whole document is signed")
	}
	signed, err := key.XML(c.Request().Context(), []byte(strings.TrimSpace(a.XML)), signer.XMLOptions{Plain: true})
	if err != nil {
		return nil, ncaSigning(err)
	}
	return ncaSignedXML(signed), nil
}

func (s *server) ncaSignSecurity(c echo.Context) (any, error) {
	a, err := ncaRead[ncaXML](s, c)
	if err != nil {
		return nil, err
	}
	key, err := s.ncaKey(a.ncaSigner)
	if err != nil {
		return nil, err
	}
	if a.TrimXML {
		return nil, ncaRefuse("trimXml would sign another message than the one sent: send the message as it shall be signed")
	}
	signed, err := key.Security(c.Request().Context(), []byte(strings.TrimSpace(a.XML)))
	if err != nil {
		return nil, ncaSigning(err)
	}
	return ncaSignedXML(signed), nil
}

func ncaSignedXML(signed []byte) any {
	return struct {
		ncaStatus
		XML string `json:"xml"`
	}{ncaOK, string(signed)}
}

type ncaKeysAsked struct {
	Keys []ncaSigner `json:"keys"`
}

// ncaKeys shows the certificate of the configured key; a key that is sent is refused.
func (s *server) ncaKeys(c echo.Context) (any, error) {
	a, err := ncaRead[ncaKeysAsked](s, c)
	if err != nil {
		return nil, err
	}
	if _, err := s.ncaKey(a.Keys...); err != nil {
		return nil, err
	}
	return s.ncaJudged(c, s.o.NCANode.Certs), nil
}

func (s *server) ncaAliases(c echo.Context) (any, error) {
	a, err := ncaRead[ncaKeysAsked](s, c)
	if err != nil {
		return nil, err
	}
	if _, err := s.ncaKey(a.Keys...); err != nil {
		return nil, err
	}
	return struct {
		ncaStatus
		Aliases [][]string `json:"aliases"`
	}{ncaOK, [][]string{{s.o.NCANode.Alias}}}, nil
}
