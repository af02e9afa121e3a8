// SPDX-License-Identifier: Apache-2.0

package page_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"rastau/internal/page"
	"rastau/internal/pdf"
	"rastau/internal/phrase"
)

func licence() page.Licence {
	return page.Licence{
		Number:           "KZ24ZZZ00000001",
		Issued:           time.Date(2026, 11, 21, 20, 0, 0, 0, time.UTC),
		HolderName:       "«Әуе-Жол Ғ. Қ. Ң. Өнер Ұлы Үміт Һәм Іс» ЖШС",
		HolderNumberKind: "BIN",
		HolderNumber:     "990140000002",
		HolderAddress:    "Астана қ., Мәңгілік Ел даңғылы, 1-үй",
		Activity:         phrase.Text{KK: "Облысаралық қалааралық, ауданаралық және халықаралық қатынаста автобустармен, шағын автобустармен жолаушыларды жүйесіз тасымалдау", RU: "Нерегулярная перевозка пассажиров автобусами, микроавтобусами в междугородном межобластном, межрайонном и международном сообщениях"},
		Subtypes:         []phrase.Text{{KK: "Халықаралық қатынаста тұрақты тасымалдау", RU: "Регулярная перевозка в международном сообщении"}},
		Licensor:         phrase.Text{KK: "Көліктік бақылау комитетінің аумақтық органы (демо)", RU: "Территориальный орган Комитета транспортного контроля (демо)"},
		SignerName:       "ӘБІЛҚАЙЫРОВ ҮМІТ",
		SignerPosition:   phrase.Text{KK: "Басшы", RU: "Руководитель"},
		Place:            phrase.Text{KK: "Астана қаласы", RU: "город Астана"},
		Basis:            phrase.Text{KK: "№ PT-2026-00000001 өтініш", RU: "Заявление № PT-2026-00000001"},
		VerifyURL:        "http://127.0.0.1:8080/v/KZ24ZZZ00000001",
		Demo:             true,
		Attachment:       []byte(`{"number":"KZ24ZZZ00000001"}`),
	}
}

// whole is a licence with everything that one can have.
func whole() page.Licence {
	l := licence()
	l.Activity.EN = "Irregular carriage of passengers by buses and minibuses in intercity inter-oblast, inter-district and international traffic"
	l.Subtypes = append(l.Subtypes, phrase.Text{KK: "Облысаралық қатынаста тұрақты емес тасымалдау", RU: "Нерегулярная перевозка в межобластном сообщении", EN: "Irregular carriage in inter-oblast traffic"})
	l.Subtypes[0].EN = "Regular carriage in international traffic"
	l.Licensor.EN, l.SignerPosition.EN, l.Place.EN, l.Basis.EN = "Territorial body of the Committee of transport control (demo)", "Head", "Astana", "Application No. PT-2026-00000001"
	l.Conditions = phrase.Text{KK: "Лицензия иеліктен шығарылмайды, 1-класс", RU: "Неотчуждаемая, класс 1", EN: "Not transferable, class 1"}
	l.FirstIssued = time.Date(2021, 5, 4, 6, 0, 0, 0, time.UTC)
	l.Reissued = []time.Time{time.Date(2023, 2, 1, 6, 0, 0, 0, time.UTC), time.Date(2024, 9, 30, 6, 0, 0, 0, time.UTC)}
	l.Duplicate, l.English, l.State = true, true, page.Reissued
	fleet := page.Appendix{Number: "001", Subtypes: l.Subtypes[:1], Basis: phrase.Text{KK: "22.11.2026 № 14 бұйрық", RU: "Приказ № 14 от 22.11.2026"}}
	for i := range 45 {
		fleet.Vehicles = append(fleet.Vehicles, page.Vehicle{Make: []string{"Yutong ZK6122H9", "МАЗ-251", "Setra S 417"}[i%3], Year: 2012 + i%13, Plate: fmt.Sprintf("%03d ZZZ %02d", 101+7*i, 1+i%20)})
	}
	places := page.Appendix{Number: "002", Branches: []page.Branch{
		{Name: "«Әуе-Жол» ЖШС-нің Қарағанды қаласындағы филиалы", BIN: "990141000013", Address: "Қарағанды қ., Бұқар жырау даңғылы, 12-үй, 3-кеңсе"},
		{Name: "«Әуе-Жол» ЖШС-нің Шымкент қаласындағы филиалы", BIN: "990141000024", Address: "Шымкент қ., Тәуке хан даңғылы, 5-үй"},
	}, Objects: []page.Object{
		{Name: phrase.Text{KK: "Автопарк", RU: "Автобусный парк"}, Address: "Астана қ., Өндіріс аймағы, 44-ғимарат"},
		{Name: phrase.Text{KK: "Жөндеу базасы", RU: "Ремонтная база"}, Address: "Ақмола облысы, Целиноград ауданы, Қоянды ауылы, Үлкен Өзен көшесі, 1"},
	}}
	l.Appendices = []page.Appendix{fleet, places}
	return l
}

// program skips, with the reason, where a tool is missing and is not required.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("RASTAU_REQUIRE_TOOLS") != "" {
			t.Fatalf("%s is required here: %v", name, err)
		}
		t.Skipf("%s is not installed; `make tools` installs it", name)
	}
	return path
}

func draw(t *testing.T, l page.Licence) (file string, pdf []byte) {
	t.Helper()
	pdf, err := page.Draw(l)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "licence.pdf")
	if err := os.WriteFile(file, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	return file, pdf
}

// Every fact, with every Kazakh letter, can be read out of the page by another program.
func TestTextIsOnThePage(t *testing.T) {
	tool := program(t, "pdftotext")
	l := licence()
	file, pdf := draw(t, l)
	out, err := exec.Command(tool, "-layout", file, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	flat := strings.Join(strings.Fields(string(out)), " ")
	for _, want := range []string{l.Number, "ҰЛЫ", "22.11.2026", l.HolderNumber, "Мәңгілік Ел даңғылы", "халықаралық", "Бессрочная", "Мерзімсіз", "ӘБІЛҚАЙЫРОВ ҮМІТ", "БСН", "БИН", "қағаз тасығыштағы"} {
		if !strings.Contains(strings.ToUpper(flat), strings.ToUpper(want)) {
			t.Errorf("%q is not on the page", want)
		}
	}
	for _, letter := range "ӘәҒғҚқҢңӨөҰұҮүҺһІі" {
		l.HolderName = strings.Repeat(string(letter), 3)
		file, _ := draw(t, l)
		out, err := exec.Command(tool, file, "-").Output()
		if err != nil || !strings.Contains(string(out), l.HolderName) {
			t.Errorf("the letter %c cannot be read from the page (%v)", letter, err)
		}
	}
	if len(pdf) > 150<<10 {
		t.Errorf("the page takes %d bytes, more than 150 KiB", len(pdf))
	}
}

func TestFileIsSound(t *testing.T) {
	tool := program(t, "qpdf")
	file, _ := draw(t, licence())
	if out, err := exec.Command(tool, "--check", file).CombinedOutput(); err != nil {
		t.Fatalf("qpdf --check: %v\n%s", err, out)
	}
}

func TestSameLicenceSameBytes(t *testing.T) {
	_, a := draw(t, licence())
	_, b := draw(t, licence())
	if !bytes.Equal(a, b) {
		t.Error("two drawings of one licence differ")
	}
}

func TestLetterWithoutGlyphIsRefused(t *testing.T) {
	l := licence()
	l.HolderName = "株式会社"
	_, err := page.Draw(l)
	var letter *page.LetterError
	if !errors.As(err, &letter) || letter.Field != "holder name" {
		t.Errorf("got %v, want a LetterError for the holder's name", err)
	}
}

// A licence with everything that the regulation allows goes on on a second page, with nothing lost.
func TestLongLicenceGoesOn(t *testing.T) {
	tool := program(t, "pdftotext")
	l := licence()
	for i := range 14 {
		l.Subtypes = append(l.Subtypes, phrase.Text{KK: fmt.Sprintf("кіші түр %d: жолаушыларды облысаралық қалааралық қатынаста автобустармен тұрақты емес тасымалдау", i), RU: fmt.Sprintf("подвид %d: нерегулярная перевозка пассажиров автобусами в междугородном сообщении", i)})
	}
	file, pdf := draw(t, l)
	if n := bytes.Count(pdf, []byte("/Type/Page/")); n != 2 {
		t.Errorf("%d pages, want 2", n)
	}
	out, err := exec.Command(tool, file, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 14 {
		for _, want := range []string{fmt.Sprintf("кіші түр %d:", i), fmt.Sprintf("подвид %d:", i)} {
			if !strings.Contains(string(out), want) {
				t.Errorf("%q is not on the pages", want)
			}
		}
	}
}

func TestTextThatDoesNotFitIsRefused(t *testing.T) {
	l := licence()
	l.Conditions.KK = strings.Repeat("өте ұзақ шарт ", 40_000)
	if _, err := page.Draw(l); !errors.Is(err, page.ErrTooLong) {
		t.Errorf("got %v, want ErrTooLong", err)
	}
}

// A long name and position stand inside the signature's block, smaller; what does not fit even so is refused.
func TestSignatureBlockHoldsItsTexts(t *testing.T) {
	tool := program(t, "pdftotext")
	l := licence()
	l.SignerName = "ӘБІЛҚАЙЫРОВ-ҚҰНАНБАЕВ ҮМІТҺАН МҰХАММЕДЖАНҰЛЫ НҰРМҰХАММЕДҰЛЫ"
	l.SignerPosition = phrase.Text{
		KK: "Қазақстан Республикасы Көлік министрлігі Автомобиль көлігі және көліктік бақылау комитетінің Шығыс Қазақстан облысы бойынша көліктік бақылау инспекциясы басшысының ОРЫНБАСАРЫ",
		RU: "Заместитель руководителя инспекции транспортного контроля по Восточно-Казахстанской области Комитета автомобильного транспорта и транспортного контроля Министерства ТРАНСПОРТА",
	}
	file, _ := draw(t, l)
	out, err := exec.Command(tool, "-bbox", file, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	bottom := 841.89 - page.SignatureBox()[1] // from the top, as pdftotext counts
	last := map[string]float64{}
	for _, m := range regexp.MustCompile(`yMax="([0-9.]+)">([^<]*)<`).FindAllStringSubmatch(string(out), -1) {
		if y, err := strconv.ParseFloat(m[1], 64); err == nil {
			last[m[2]] = y
		}
	}
	for _, word := range []string{"НҰРМҰХАММЕДҰЛЫ", "ОРЫНБАСАРЫ", "ТРАНСПОРТА"} {
		if y, is := last[word]; !is || y > bottom {
			t.Errorf("%s ends at %.1f, the block at %.1f", word, y, bottom)
		}
	}
	l.SignerPosition.KK = strings.Repeat(l.SignerPosition.KK+" ", 4)
	if _, err := page.Draw(l); !errors.Is(err, page.ErrTooLong) {
		t.Errorf("a position of %d bytes: %v", len(l.SignerPosition.KK), err)
	}
	l = licence()
	l.VerifyURL = "http://127.0.0.1/" + strings.Repeat("licences/", 60) + l.Number
	if _, err := page.Draw(l); !errors.Is(err, page.ErrTooLong) {
		t.Errorf("an address of %d bytes: %v", len(l.VerifyURL), err)
	}
}

func ExampleDraw() {
	pdf, err := page.Draw(page.Licence{
		Number: "KZ24ZZZ00000001", Issued: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC),
		HolderName: "ҮЛГІ ҰЛАН", HolderNumberKind: "IIN", VerifyURL: "http://127.0.0.1:8080/v/KZ24ZZZ00000001", Demo: true,
	})
	fmt.Println(string(pdf[:5]), err)
	// Output: %PDF- <nil>
}

// What is composed for signing is what is drawn, and signing goes on as after a file that was read.
func TestCompose(t *testing.T) {
	for name, l := range map[string]page.Licence{"plain": licence(), "whole": whole()} {
		t.Run(name, func(t *testing.T) {
			drawn, err := page.Draw(l)
			if err != nil {
				t.Fatal(err)
			}
			composed, err := page.Compose(l)
			if err != nil {
				t.Fatal(err)
			}
			read, err := pdf.Open(drawn, pdf.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(composed.Bytes(), drawn) || composed.String() != read.String() || !reflect.DeepEqual(composed.Attachments(), read.Attachments()) {
				t.Errorf("composed %v, read %v", composed, read)
			}
			o := pdf.PrepareOptions{Field: "Licensor", Rect: page.SignatureBox()}
			got, err1 := composed.Prepare(o)
			want, err2 := read.Prepare(o)
			if err1 != nil || err2 != nil || !bytes.Equal(got.Bytes(), want.Bytes()) {
				t.Errorf("%v, %v: other bytes to be signed", err1, err2)
			}
		})
	}
	l := licence()
	l.VerifyURL = ""
	if d, err := page.Compose(l); d != nil || err == nil {
		t.Errorf("%v %v", d, err)
	}
}
