// SPDX-License-Identifier: Apache-2.0

package account_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"rastau/internal/account"
)

func token(t *testing.T) (string, string) {
	t.Helper()
	tok, digest, err := account.NewToken()
	if err != nil {
		t.Fatal(err)
	}
	return tok, digest
}

func TestByToken(t *testing.T) {
	tok, digest := token(t)
	other, _ := token(t)
	b, err := account.NewBook([]account.Account{
		{ID: "officer-1", Name: "Officer", Roles: []account.Role{account.Officer, account.Auditor}, TokenSHA256: strings.ToUpper(digest)},
	})
	if err != nil {
		t.Fatal(err)
	}
	a, err := b.ByToken(tok)
	if err != nil || a.ID != "officer-1" || !a.Has(account.Officer) || !a.Has(account.Auditor) || a.Has(account.Admin) {
		t.Fatalf("got %+v, %v", a, err)
	}
	a.Roles[0] = account.Admin
	if again, _ := b.ByToken(tok); again.Has(account.Admin) {
		t.Fatal("a caller changed the book")
	}
	for name, wrong := range map[string]string{
		"none": "", "another": other, "the digest itself": digest, "a space more": tok + " ", "too long": strings.Repeat("a", 1<<20),
	} {
		if _, err := b.ByToken(wrong); !errors.Is(err, account.ErrToken) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestNewBookRefuses(t *testing.T) {
	_, d1 := token(t)
	_, d2 := token(t)
	good := account.Account{ID: "a", Roles: []account.Role{account.Applicant}, TokenSHA256: d1}
	for _, c := range []struct {
		name   string
		change func(a *account.Account)
	}{
		{"no id", func(a *account.Account) { a.ID = "" }},
		{"id twice", func(a *account.Account) { a.ID = "a" }},
		{"no role", func(a *account.Account) { a.Roles = nil }},
		{"unknown role", func(a *account.Account) { a.Roles = []account.Role{"king"} }},
		{"no digest", func(a *account.Account) { a.TokenSHA256 = "" }},
		{"short digest", func(a *account.Account) { a.TokenSHA256 = d2[2:] }},
		{"long digest", func(a *account.Account) { a.TokenSHA256 = d2 + "00" }},
		{"not hexadecimal", func(a *account.Account) { a.TokenSHA256 = strings.Repeat("x", 64) }},
		{"token twice", func(a *account.Account) { a.TokenSHA256 = d1 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			second := account.Account{ID: "b", Roles: []account.Role{account.Admin}, TokenSHA256: d2}
			c.change(&second)
			if _, err := account.NewBook([]account.Account{good, second}); err == nil {
				t.Fatal("accepted")
			}
		})
	}
}

func ExampleBook_ByToken() {
	token, digest, _ := account.NewToken()
	book, _ := account.NewBook([]account.Account{
		{ID: "auditor-1", Roles: []account.Role{account.Auditor}, TokenSHA256: digest},
	})
	who, err := book.ByToken(token)
	fmt.Println(who.ID, who.Has(account.Auditor), who.Has(account.Officer), err)
	_, err = book.ByToken("a guess")
	fmt.Println(err)
	// Output:
	// auditor-1 true false <nil>
	// unknown token
}
