// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"time"

	"rastau/internal/egov"
	"rastau/internal/identity"
	"rastau/internal/outbox"
	"rastau/internal/store"
	"rastau/licensing"
	"rastau/signer"
	"rastau/verifier"
)

// GatewayConfig connects the systems around: state registers, payments, notices. docs/EGOV.md writes the contract down.
type GatewayConfig struct {
	// URL of the gateway. Optional. If empty, no outside system is asked.
	URL string `yaml:"url"`
	// Peer is the BIN that the gateway's certificate carries. Required with URL.
	Peer string `yaml:"peer"`
	// Envelope is how messages are signed: wsse, SOAP with WS-Security as the State's gateway has it, or cms. Optional. If empty, wsse.
	Envelope string `yaml:"envelope"`
	// Key signs our messages. Required with URL.
	Key KeyConfig `yaml:"key"`
	// Systems that are connected: registers, payments, notices. Optional. If empty, all.
	Systems []string `yaml:"systems"`
	// Timeout of one question with its repetitions. Optional. If zero, 5 s.
	Timeout time.Duration `yaml:"timeout"`
}

const (
	envelopeSecurity = "wsse"
	envelopeCMS      = "cms"
)

var gatewaySystems = []string{"registers", "payments", "notices"}

func (g GatewayConfig) has(system string) bool {
	return g.URL != "" && (len(g.Systems) == 0 || slices.Contains(g.Systems, system))
}

func (g GatewayConfig) check(add func(format string, args ...any)) {
	if g.URL == "" {
		if g.Peer != "" || g.Key.File != "" || len(g.Systems) > 0 {
			add("gateway: url is missing")
		}
		return
	}
	if _, err := identity.Parse(g.Peer); err != nil {
		add("gateway.peer: the BIN in the gateway's certificate is required: without it anybody's signed answer would count")
	}
	if g.Key.File == "" || g.Key.Token != nil {
		add("gateway.key.file: a PKCS#12 file whose key signs our messages is required")
	}
	if g.Envelope != "" && g.Envelope != envelopeCMS && g.Envelope != envelopeSecurity {
		add("gateway.envelope: %q is neither wsse nor cms", g.Envelope)
	}
	for _, s := range g.Systems {
		if !slices.Contains(gatewaySystems, s) {
			add("gateway.systems: %q is none of registers, payments, notices", s)
		}
	}
}

// openGateway makes the adapters; nil where no gateway is configured.
func (c *Config) openGateway(db *store.Store, v *verifier.Verifier, question func() verifier.Question, now func() time.Time, log *slog.Logger) (*egov.Gateway, error) {
	if c.Gateway.URL == "" {
		return nil, nil
	}
	key, err := c.gatewayKey(v, question, now)
	if err != nil {
		return nil, err
	}
	g, err := egov.New(egov.Options{
		URL: c.Gateway.URL, Timeout: c.Gateway.Timeout, Now: now, Log: log,
		Envelope: envelopeOf(c.Gateway.Envelope, key, v, question, c.Gateway.Peer),
		Keep: func(ctx context.Context, e egov.Exchange) error {
			return db.AddExchange(ctx, store.Exchange{ID: e.ID, System: string(e.System), Outcome: e.Outcome, At: e.At.UnixMilli(), Request: e.Request, Response: e.Response})
		},
	})
	if err != nil {
		return nil, usagef("gateway: %v", err)
	}
	return g, nil
}

// envelopeOf makes the envelope of one side. WS-Security carries the signer's certificate alone, so the authorities of our own
// key, who mostly are the other side's too, stand by.
func envelopeOf(kind string, key *signer.Signer, judge egov.Judge, question func() verifier.Question, peer string) egov.Envelope {
	if kind == envelopeCMS {
		return &egov.CMS{Signer: key, Judge: judge, Question: question, Peer: peer}
	}
	knowing := func() verifier.Question {
		q := question()
		q.Certs = append(slices.Clip(q.Certs), key.Chain()...)
		return q
	}
	return &egov.Security{Signer: key, Judge: judge, Question: knowing, Peer: peer}
}

func (c *Config) gatewayKey(v *verifier.Verifier, question func() verifier.Question, now func() time.Time) (*signer.Signer, error) {
	password, err := c.secret("gateway.key.password", c.Gateway.Key.PasswordFile, c.Gateway.Key.PasswordEnv)
	if err != nil {
		return nil, err
	}
	key, err := signer.LoadKey(c.path(c.Gateway.Key.File), password)
	if err != nil {
		return nil, unreadablef("gateway.key: %v", err)
	}
	ring, err := signer.NewRing(key)
	if err != nil {
		return nil, usagef("gateway.key: %v", err)
	}
	s, err := signer.New(signer.Options{Keys: ring, Judge: examiner{v, question}, Checker: v, Now: now})
	if err != nil {
		return nil, usagef("gateway.key: %v", err)
	}
	return s, nil
}

// deliver hands a notice of the outbox to the gateway, which sends each once.
func deliver(g *egov.Gateway) outbox.Handler {
	return func(ctx context.Context, i outbox.Item) error {
		var n licensing.Notice
		if err := json.Unmarshal(i.Body, &n); err != nil {
			return err
		}
		return g.Send(ctx, n)
	}
}
