// SPDX-License-Identifier: Apache-2.0

package crl

import (
	"encoding/binary"
	"math/big"
	"time"
)

// daysBefore are the days of a common year before each month.
var daysBefore = [13]int{0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334}

// daysOf are the days of each month of a common year.
var daysOf = [13]int{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

// readDate reads the contents of a Time in the one form that RFC 5280 §5.1.2.6 allows, into seconds since 1970. It
// allocates nothing: it runs once for each of millions of entries.
func readDate(tag byte, b []byte) (seconds int64, ok bool) {
	var year int
	switch {
	case tag == 0x17 && len(b) == len("060102150405Z"):
		year = two(b)
		if year < 50 { // RFC 5280 §4.1.2.5.1
			year += 100
		}
		if year < 0 {
			return 0, false
		}
		year += 1900
		b = b[2:]
	case tag == 0x18 && len(b) == len("20060102150405Z"):
		hi, lo := two(b), two(b[2:])
		if hi < 0 || lo < 0 {
			return 0, false
		}
		year = 100*hi + lo
		b = b[4:]
	default:
		return 0, false
	}
	_ = b[10]
	month, day, hour, minute, second := two(b), two(b[2:]), two(b[4:]), two(b[6:]), two(b[8:])
	if b[10] != 'Z' || month < 1 || month > 12 || day < 1 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 {
		return 0, false
	}
	leap := year%4 == 0 && (year%100 != 0 || year%400 == 0)
	last, days := daysOf[month], daysBefore[month]+day-1
	if leap && month == 2 {
		last++
	}
	if day > last {
		return 0, false
	}
	if leap && month > 2 {
		days++
	}
	past := year + 399 // whole years before this one, counted from 400 years before the year 0 so that none is negative
	days += 365*(past+1) + past/4 - past/100 + past/400 - daysTo1970
	return int64(days)*86400 + int64(3600*hour+60*minute+second), true
}

// daysTo1970 are the days from 400 years before the year 0 to 1970.
const daysTo1970 = 365*2370 + 2369/4 - 2369/100 + 2369/400

// two reads two digits; what is none makes the number negative beyond any repair.
func two(b []byte) int {
	hi, lo := b[0]-'0', b[1]-'0'
	if hi > 9 || lo > 9 {
		return -1000
	}
	return int(hi)*10 + int(lo)
}

// The narrow form of a date is a count of seconds from 1950, where UTCTime begins, in 32 bits: until February 2086.
var narrowEpoch = time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC).Unix()

// octetsOf is how many contents octets the INTEGER of n has (X.690 §8.3).
func octetsOf(n *big.Int) int {
	bits := n.BitLen()
	if n.Sign() < 0 && int(n.TrailingZeroBits()) == bits-1 { // -2^k fits where 2^k does not
		bits--
	}
	return bits/8 + 1
}

// extend writes n into all of key, in two's complement; the caller has seen that it fits.
func extend(key []byte, n *big.Int) {
	n.FillBytes(key)
	if n.Sign() >= 0 {
		return
	}
	carry := true
	for i := len(key) - 1; i >= 0; i-- {
		key[i] = ^key[i]
		if carry {
			key[i]++
			carry = key[i] == 0
		}
	}
}

// number is the inverse of extend.
func number(b []byte) *big.Int {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n
}

// utcDays are the days from 1950 to the beginning of each year of UTCTime, by its two digits.
var utcDays = func() (days [100]uint32) {
	for yy := range days {
		year := 1900 + yy
		if yy < 50 { // RFC 5280 §4.1.2.5.1
			year += 100
		}
		days[yy] = uint32((time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).Unix() - narrowEpoch) / 86400)
	}
	return days
}()

// readUTC is readDate of a UTCTime, YYMMDDHHMMSSZ at the head of b, into seconds since 1950: eight octets at once, for
// nearly every entry has one.
func readUTC(b []byte) (seconds uint32, ok bool) {
	_ = b[12]
	x, y := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint32(b[8:])
	x -= 0x3030303030303030
	y -= 0x30303030
	// An octet that is no digit is over 9 now: it, or it with 0x76 more, has its highest bit set.
	if (x|(x+0x7676767676767676))&0x8080808080808080 != 0 || (y|(y+0x76767676))&0x80808080 != 0 || b[12] != 'Z' {
		return 0, false
	}
	x, y = x*10+(x>>8), y*10+(y>>8) // every second octet is a number of two digits
	year, month, day, hour := uint32(x&0xff), uint32(x>>16&0xff), uint32(x>>32&0xff), uint32(x>>48&0xff)
	minute, second := y&0xff, y>>16&0xff
	if month-1 > 11 || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	last, days := uint32(daysOf[month]), utcDays[year%100]+uint32(daysBefore[month])+day-1
	if year&3 == 0 { // 2000 was a leap year, 1900 and 2100 are not of UTCTime
		if month == 2 {
			last++
		} else if month > 2 {
			days++
		}
	}
	if day-1 >= last {
		return 0, false
	}
	return days*86400 + hour*3600 + minute*60 + second, true
}
