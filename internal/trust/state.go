// SPDX-License-Identifier: Apache-2.0

package trust

// StateAuthority is a certification authority of the Republic of Kazakhstan as the State publishes it: where its certificate
// is to be had and the SHA-256 that it must have. The certificates themselves are not part of the program.
type StateAuthority struct {
	File      string   // name under which it is stored
	Subject   string   // common name, for people
	SHA256    string   // of the DER, hex
	From      string   // notBefore, YYYY-MM-DD
	Until     string   // notAfter, YYYY-MM-DD
	Root      bool     // a root: a trust anchor; otherwise an intermediate authority that helps building paths
	Test      bool     // of the public test contour: its keys are known to everybody, so nothing real may rest on it
	Addresses []string // official addresses, asked in this order; none: only from a folder
}

// StateAuthorities is the pinned table. The roots of 2015 and 2020 share their common name: they are told apart by digest.
func StateAuthorities() []StateAuthority {
	return []StateAuthority{
		{File: "root_gost.cer", Subject: "НЕГІЗГІ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (GOST)", SHA256: "9ab210e54e6b0343321131202d9edcc2598f598cfdd9ee4ec1056021ab2e9759", From: "2015-07-27", Until: "2025-07-27", Root: true,
			Addresses: []string{"https://root.gov.kz/cert/root_gost.cer"}},
		{File: "root_gost_2020.cer", Subject: "НЕГІЗГІ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (GOST)", SHA256: "c48164ab5ccaaee6b938299a1e3aeebd6f698bb2bd716a0f0d85befc46166aa2", From: "2020-09-08", Until: "2045-09-08", Root: true,
			Addresses: []string{"https://root.gov.kz/cert/root_gost_2020.cer"}},
		{File: "root_gost_2022.cer", Subject: "НЕГІЗГІ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (GOST) 2022", SHA256: "af77725f8328bb24f89d81da3acdf7cee4324248538b7ba2cd2a860517fb9dca", From: "2022-06-15", Until: "2045-09-08", Root: true,
			Addresses: []string{"https://root.gov.kz/cert/root_gost2015_2022.cer", "https://pki.gov.kz/cert/root_gost_2022.cer"}},
		{File: "root_rsa.cer", Subject: "НЕГІЗГІ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (RSA)", SHA256: "a7064abc5699827f370c67b09f1a1bfd7ad5e1514d471223df209c08300ea972", From: "2015-07-27", Until: "2025-07-27", Root: true,
			Addresses: []string{"https://root.gov.kz/cert/root_rsa.cer"}},
		{File: "root_rsa_2020.cer", Subject: "НЕГІЗГІ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (RSA)", SHA256: "9ba06354b626641715182e4d07c9dbaa1777720fa795d03174ffc68876535dcd", From: "2020-09-08", Until: "2045-09-08", Root: true,
			Addresses: []string{"https://root.gov.kz/cert/root_rsa_2020.cer", "https://pki.gov.kz/cert/root_rsa_2020.cer"}},
		{File: "btsd_gost.cer", Subject: "BTSD CA", SHA256: "74bb80edf34f4594e5e69b79029c64214e67630e3d16b82f952ab6e5956c5fa8", From: "2019-08-01", Until: "2029-07-29",
			Addresses: []string{"https://root.gov.kz/cert/uc/btsd_gost.cer"}},
		{File: "nca_gost.cer", Subject: "ҰЛТТЫҚ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (GOST)", SHA256: "908521d0531e5645e64b34d3588374a3a83582c860e5f7293a04c41217e8cc18", From: "2018-08-08", Until: "2025-06-25",
			Addresses: []string{"https://pki.gov.kz/cert/nca_gost.crt"}},
		{File: "nca_gost_2022.cer", Subject: "ҰЛТТЫҚ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (GOST) 2022", SHA256: "32c7d233a42703a327f3025543a05b930e3f39a786c68dfa196baa86d5618524", From: "2022-06-15", Until: "2045-09-07",
			Addresses: []string{"https://pki.gov.kz/cert/nca_gost_2022.cer"}},
		{File: "nca_rsa.cer", Subject: "ҰЛТТЫҚ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (RSA)", SHA256: "34d1b311a9873191ae3382805df51e0a5da23315c512a8deeb885668ceeb5834", From: "2018-08-08", Until: "2025-06-25",
			Addresses: []string{"https://pki.gov.kz/cert/nca_rsa.crt"}},
		{File: "nca_rsa_2015.cer", Subject: "ҰЛТТЫҚ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (RSA)", SHA256: "aef2f2907554f12292cb3456d5110062e3581d0a05c0f03540f870f25d5b816c", From: "2015-07-27", Until: "2020-07-27"},
		{File: "nca_rsa_2022.cer", Subject: "ҰЛТТЫҚ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (RSA) 2022", SHA256: "84fb799a66140950818c056a5d9730acc2a7622cdd4ef0d47113b132fb892905", From: "2022-09-22", Until: "2045-09-07",
			Addresses: []string{"https://pki.gov.kz/cert/nca_rsa_2022.cer"}},
		{File: "ucgo_gost.cer", Subject: "Удостоверяющий центр Государственных органов", SHA256: "eb5a5318299db447a46619d2a541f026b52c1fce8a1d371262da8f6f2d7bb6f5", From: "2022-07-12", Until: "2045-09-07",
			Addresses: []string{"https://ucgo.gov.kz/cert/ucgo_root.zip"}},
		{File: "root_test_gost_2022.cer", Subject: "НЕГІЗГІ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (GOST) TEST 2022", SHA256: "b995e79e7c07429f8f79e185451e5599ce342ac720000f01b3854fdfa03031a6", From: "2022-07-07", Until: "2032-07-07", Root: true, Test: true,
			Addresses: []string{"https://root.gov.kz/cert/root_test_gost_2022.cer"}},
		{File: "nca_gost2022_test.cer", Subject: "ҰЛТТЫҚ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (GOST) TEST 2022", SHA256: "beeffc0bdb77cd798c35983eb0715f6ef0051cccb71d7cd05505e8a4fb2c6f4d", From: "2022-07-07", Until: "2032-07-04", Test: true},
		{File: "nca_gost_test.cer", Subject: "ҰКО 3.0 (GOST TEST)", SHA256: "0307e8bdf77cb708b7c9d9a5799facdc6de7154447cb394af9ac9b528c3d82c7", From: "2019-03-14", Until: "2024-03-12", Test: true},
		{File: "nca_rsa_test.cer", Subject: "ҰКО 3.0 (RSA TEST)", SHA256: "7e96a36409dc11e0fc99efae41f8c639e16a495d77c2f2278edb98580f997231", From: "2019-03-15", Until: "2024-03-13", Test: true},
	}
}
