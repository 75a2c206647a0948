BEGIN TRANSACTION;
CREATE TABLE accepted_lengths (
	field VARCHAR(40) NOT NULL, 
	length INTEGER NOT NULL, 
	PRIMARY KEY (field)
);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0013');
CREATE TABLE alert (
	id INTEGER NOT NULL, 
	told VARCHAR(64) NOT NULL, 
	status VARCHAR(64) NOT NULL, 
	due DATETIME NOT NULL, 
	alarm_due DATETIME NOT NULL, 
	end_due DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "alert" VALUES(1,'','','2000-01-01 00:00:00.000000','2000-01-01 00:00:00.000000','2000-01-01 00:00:00.000000');
CREATE TABLE breaker (
	id INTEGER NOT NULL, 
	status VARCHAR(64) NOT NULL, 
	refused BOOLEAN NOT NULL, 
	since DATETIME NOT NULL, 
	probe_at DATETIME NOT NULL, 
	probes INTEGER NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE code_days (
	day DATE NOT NULL, 
	count INTEGER NOT NULL, 
	PRIMARY KEY (day)
);
CREATE TABLE code_sendings (
	id INTEGER NOT NULL, 
	number VARCHAR(64) NOT NULL, 
	network VARCHAR(64) NOT NULL, 
	wide_network VARCHAR(64) NOT NULL, 
	form VARCHAR(64) NOT NULL, 
	sent_at DATETIME NOT NULL, 
	until DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE code_trouble (
	id INTEGER NOT NULL, 
	status VARCHAR(64) NOT NULL, 
	since DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE codes (
	"key" VARCHAR(64) NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	number VARCHAR(64) NOT NULL, 
	tries INTEGER NOT NULL, 
	sendings INTEGER NOT NULL, 
	resend_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	verified_until DATETIME, 
	created_at DATETIME NOT NULL, 
	PRIMARY KEY ("key")
);
CREATE TABLE daily_counts (
	day DATE NOT NULL, 
	form VARCHAR(40) NOT NULL, 
	outcome VARCHAR(16) NOT NULL, 
	count BIGINT NOT NULL, 
	seconds FLOAT NOT NULL, 
	PRIMARY KEY (day, form, outcome)
);
CREATE TABLE database_state (
	id INTEGER NOT NULL, 
	oldest_revision VARCHAR(32) NOT NULL, 
	server VARCHAR(64), 
	PRIMARY KEY (id)
);
INSERT INTO "database_state" VALUES(1,'0012',NULL);
CREATE TABLE funnel_counts (
	day DATE NOT NULL, 
	form VARCHAR(40) NOT NULL, 
	step VARCHAR(16) NOT NULL, 
	count BIGINT NOT NULL, 
	PRIMARY KEY (day, form, step)
);
CREATE TABLE import_rows (
	import_id BIGINT NOT NULL, 
	number INTEGER NOT NULL, 
	"key" VARCHAR(64) NOT NULL, 
	cells TEXT NOT NULL, 
	contact TEXT, 
	faults TEXT, 
	place VARCHAR(8) NOT NULL, 
	PRIMARY KEY (import_id, number)
);
INSERT INTO "import_rows" VALUES(1,1,'b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1','["09120000001", "محمدی"]','{"Active": true, "Mobile": "09120000001", "FName": "\u0645\u062d\u0645\u062f\u06cc", "LName": "", "GenderType": null, "CompanyTitle": "", "JobTitle": "", "Email": "", "CityName": "", "AddressText": "", "BornDate": null, "AnniversaryDate": null, "CustomText1": "", "CustomText2": "", "CustomText3": "", "CustomText4": "", "CustomText5": "", "CustomText6": "", "CustomDate1": null, "CustomDate2": null, "CustomDate3": null, "Labels": []}',NULL,'only');
INSERT INTO "import_rows" VALUES(1,2,'b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2','["09120000002", "محمدی"]','{"Active": true, "Mobile": "09120000002", "FName": "\u0645\u062d\u0645\u062f\u06cc", "LName": "", "GenderType": null, "CompanyTitle": "", "JobTitle": "", "Email": "", "CityName": "", "AddressText": "", "BornDate": null, "AnniversaryDate": null, "CustomText1": "", "CustomText2": "", "CustomText3": "", "CustomText4": "", "CustomText5": "", "CustomText6": "", "CustomDate1": null, "CustomDate2": null, "CustomDate3": null, "Labels": []}',NULL,'only');
INSERT INTO "import_rows" VALUES(1,3,'b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3','["x", "محمدی"]',NULL,'[[0, "x", "Mobile", "نادرست"]]','');
CREATE TABLE imports (
	id INTEGER NOT NULL, 
	reference VARCHAR(8) NOT NULL, 
	form VARCHAR(40) NOT NULL, 
	operator TEXT, 
	digest VARCHAR(64) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	reading TEXT NOT NULL, 
	twice VARCHAR(8) NOT NULL, 
	ready_rows INTEGER NOT NULL, 
	wrong_rows INTEGER NOT NULL, 
	twice_rows INTEGER NOT NULL, 
	left_rows INTEGER NOT NULL, 
	known_rows INTEGER NOT NULL, 
	fed_up_to INTEGER NOT NULL, 
	backlog INTEGER NOT NULL, 
	uncertain BOOLEAN NOT NULL, 
	created_at DATETIME NOT NULL, 
	next_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (reference)
);
INSERT INTO "imports" VALUES(1,'ZHRD2N2A','contact','sara','0000000000000000000000000000000000000000000000000000000000000000','draft','{"header": ["موبایل", "نام"], "columns": ["Mobile", "FName"], "shared": {}, "epoch_1904": false}','first',2,1,0,0,0,0,0,0,'2026-12-01 00:22:09.058535','2026-12-01 00:22:09.058535');
CREATE TABLE outbox (
	id INTEGER NOT NULL, 
	"key" VARCHAR(64) NOT NULL, 
	form VARCHAR(40) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	status VARCHAR(64) NOT NULL, 
	contact TEXT, 
	owner VARCHAR(32), 
	due DATETIME NOT NULL, 
	give_up_at DATETIME NOT NULL, 
	uncertain BOOLEAN NOT NULL, 
	blind BOOLEAN NOT NULL, 
	attempts INTEGER NOT NULL, 
	unexplained INTEGER NOT NULL, 
	looks INTEGER NOT NULL, 
	portal_id BIGINT, 
	created_at DATETIME NOT NULL, operator TEXT, counted BOOLEAN DEFAULT 0 NOT NULL, source VARCHAR(40) DEFAULT '' NOT NULL, batch BIGINT, slack TEXT DEFAULT '' NOT NULL, first_sent_at DATETIME, last_sent_at DATETIME, delivered_at DATETIME, mobile_hash VARCHAR(32), 
	PRIMARY KEY (id), 
	UNIQUE ("key")
);
INSERT INTO "outbox" VALUES(1,'a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0','contact','queued','','{"Active": true, "Mobile": "09120000000", "FName": "\u0645\u0646\u062a\u0638\u0631", "LName": "\u0645\u062d\u0645\u062f\u06cc", "GenderType": null, "CompanyTitle": "", "JobTitle": "", "Email": "", "CityName": "", "AddressText": "", "BornDate": null, "AnniversaryDate": null, "CustomText1": "", "CustomText2": "", "CustomText3": "", "CustomText4": "", "CustomText5": "", "CustomText6": "", "CustomDate1": null, "CustomDate2": null, "CustomDate3": null, "Labels": []}',NULL,'2026-12-01 00:22:09.048706','2026-12-04 00:22:09.048709',0,0,0,0,0,NULL,'2026-12-01 00:22:09.048696',NULL,0,'',NULL,'                                                                                                                                                                ',NULL,NULL,NULL,'e940ca28a76b40674a7e7ccf7cdcd8b4');
CREATE TABLE source_counts (
	day DATE NOT NULL, 
	form VARCHAR(40) NOT NULL, 
	source VARCHAR(40) NOT NULL, 
	count BIGINT NOT NULL, 
	PRIMARY KEY (day, form, source)
);
CREATE TABLE spent (
	name VARCHAR(100) NOT NULL, 
	until DATETIME NOT NULL, "key" VARCHAR(64) DEFAULT '' NOT NULL, 
	PRIMARY KEY (name)
);
CREATE INDEX outbox_due ON outbox (state, due);
CREATE INDEX outbox_portal_id ON outbox (portal_id);
CREATE INDEX outbox_uncounted ON outbox (counted, state, form, created_at) WHERE counted IS 0;
CREATE INDEX codes_created_at ON codes (created_at);
CREATE INDEX imports_state ON imports (state);
CREATE INDEX outbox_batch ON outbox (batch, state) WHERE batch IS NOT NULL;
CREATE INDEX code_sendings_number ON code_sendings (number, sent_at);
CREATE INDEX code_sendings_network ON code_sendings (network, sent_at);
CREATE INDEX code_sendings_wide_network ON code_sendings (wide_network, sent_at);
CREATE INDEX code_sendings_form ON code_sendings (form, sent_at);
CREATE INDEX outbox_mobile_hash ON outbox (mobile_hash) WHERE mobile_hash IS NOT NULL;
CREATE INDEX outbox_unhashed ON outbox (id) WHERE mobile_hash IS NULL AND contact IS NOT NULL;
COMMIT;
