// SPDX-License-Identifier: Apache-2.0

package signer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"rastau/internal/pki"
)

// maxKeyFile bounds a PKCS#12 file in bytes.
const maxKeyFile = 1 << 20

// LoadKey reads a PKCS#12 file; the password comes from the environment variable or file that the configuration names.
// Errors wrap [ErrKey], those of internal/pki ([pki.ErrPassword], [pki.ErrNotPKCS12], [pki.ErrNoKey], [pki.ErrUnsupported])
// or of the file system, and say what to do.
func LoadKey(path, password string) (*pki.Key, error) {
	data, err := readKeyFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	k, err := pki.ReadPKCS12(data, password)
	if err == nil {
		return k, nil
	}
	advice := "take the file as the authority issued it, .p12 or .pfx"
	switch {
	case errors.Is(err, pki.ErrPassword):
		advice = "set the password that belongs to this file"
	case errors.Is(err, pki.ErrNotPKCS12):
		advice = "the file must be PKCS#12 (.p12, .pfx); openssl pkcs12 -export makes one of a key and its certificates in PEM"
	case errors.Is(err, pki.ErrNoKey):
		advice = "export the private key together with its certificate"
	case errors.Is(err, pki.ErrUnsupported):
		advice = "take an RSA, ECDSA or GOST 34.10-2015 key of the same holder"
	}
	return nil, fmt.Errorf("%w: %s: %w; %s", ErrKey, path, err, advice)
}

func readKeyFile(path string) ([]byte, error) {
	data, err := readRegular(path, maxKeyFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w; check the path in the configuration", err)
	case errors.Is(err, errLarge):
		return nil, fmt.Errorf("%w: it is no key file", err)
	}
	return data, err
}

var errLarge = errors.New("the file is too large")

// readRegular reads a regular file of at most that many bytes; of a larger one nothing.
func readRegular(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path) // before opening: a pipe would wait for a writer
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no regular file", path)
	case info.Size() > most:
		return nil, fmt.Errorf("%w: %s has %d bytes, more than %d", errLarge, path, info.Size(), most)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1)) // it may have grown
	if err == nil && int64(len(data)) > most {
		return nil, fmt.Errorf("%w: %s has more than %d bytes", errLarge, path, most)
	}
	return data, err
}
