BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0003');
CREATE TABLE breaker (
	id INTEGER NOT NULL, 
	status VARCHAR(64) NOT NULL, 
	refused BOOLEAN NOT NULL, 
	since DATETIME NOT NULL, 
	probe_at DATETIME NOT NULL, 
	probes INTEGER NOT NULL, 
	PRIMARY KEY (id)
);
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
	created_at DATETIME NOT NULL, operator TEXT, 
	PRIMARY KEY (id), 
	UNIQUE ("key")
);
INSERT INTO "outbox" VALUES(1,'a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0','contact','queued','','{"Mobile": "09120000000", "FName": "\u0645\u0646\u062a\u0638\u0631", "LName": "\u0645\u062d\u0645\u062f\u06cc", "GenderType": null, "CompanyTitle": "", "JobTitle": "", "Email": "p0@example.ir", "CityName": "", "AddressText": "", "BornDate": null, "AnniversaryDate": null, "CustomText1": "", "CustomText2": "", "CustomText3": "", "CustomText4": "", "CustomText5": "", "CustomText6": "", "CustomDate1": null, "CustomDate2": null, "CustomDate3": null, "Labels": ["\u0645\u0634\u062a\u0631\u06cc"], "Active": true}',NULL,'2026-12-01 00:21:24.511015','2026-12-04 00:21:24.511031',0,0,0,0,0,NULL,'2026-12-01 00:21:24.511038',NULL);
INSERT INTO "outbox" VALUES(2,'a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1','contact','sending','','{"Mobile": "09120000001", "FName": "\u062f\u0631\u0631\u0627\u0647", "LName": "\u0645\u062d\u0645\u062f\u06cc", "GenderType": null, "CompanyTitle": "", "JobTitle": "", "Email": "p1@example.ir", "CityName": "", "AddressText": "", "BornDate": null, "AnniversaryDate": null, "CustomText1": "", "CustomText2": "", "CustomText3": "", "CustomText4": "", "CustomText5": "", "CustomText6": "", "CustomDate1": null, "CustomDate2": null, "CustomDate3": null, "Labels": ["\u0645\u0634\u062a\u0631\u06cc"], "Active": true}','10e56e33d465de5a','2026-12-01 00:21:48.514011','2026-12-04 00:21:24.514021',0,0,0,0,0,NULL,'2026-12-01 00:21:24.514029',NULL);
INSERT INTO "outbox" VALUES(3,'a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2','contact','delivered','',NULL,NULL,'2026-12-31 00:21:24.526838','2026-12-04 00:21:24.521590',0,0,0,0,0,7,'2026-12-01 00:21:24.521600',NULL);
INSERT INTO "outbox" VALUES(4,'a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3','contact','rejected','Mobile_Invalid','{"Mobile": "09120000003", "FName": "\u0631\u062f\u0634\u062f\u0647", "LName": "\u0645\u062d\u0645\u062f\u06cc", "GenderType": null, "CompanyTitle": "", "JobTitle": "", "Email": "p3@example.ir", "CityName": "", "AddressText": "", "BornDate": null, "AnniversaryDate": null, "CustomText1": "", "CustomText2": "", "CustomText3": "", "CustomText4": "", "CustomText5": "", "CustomText6": "", "CustomDate1": null, "CustomDate2": null, "CustomDate3": null, "Labels": ["\u0645\u0634\u062a\u0631\u06cc"], "Active": true}',NULL,'2026-12-31 00:21:24.547464','2026-12-04 00:21:24.542840',0,0,0,0,0,NULL,'2026-12-01 00:21:24.542851',NULL);
INSERT INTO "outbox" VALUES(5,'a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4','news','held','honeypot','{"Mobile": "09120000004", "FName": "\u0645\u0634\u06a9\u0648\u06a9", "LName": "\u0645\u062d\u0645\u062f\u06cc", "GenderType": null, "CompanyTitle": "", "JobTitle": "", "Email": "p4@example.ir", "CityName": "", "AddressText": "", "BornDate": null, "AnniversaryDate": null, "CustomText1": "", "CustomText2": "", "CustomText3": "", "CustomText4": "", "CustomText5": "", "CustomText6": "", "CustomDate1": null, "CustomDate2": null, "CustomDate3": null, "Labels": ["\u0645\u0634\u062a\u0631\u06cc"], "Active": true}',NULL,'2026-12-31 00:21:24.550543','2026-12-04 00:21:24.550555',0,0,0,0,0,NULL,'2026-12-01 00:21:24.550565',NULL);
INSERT INTO "outbox" VALUES(6,'a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5','contact','queued','ReadTimeout','{"Mobile": "09120000005", "FName": "\u0634\u0627\u06cc\u062f", "LName": "\u0645\u062d\u0645\u062f\u06cc", "GenderType": null, "CompanyTitle": "", "JobTitle": "", "Email": "p5@example.ir", "CityName": "", "AddressText": "", "BornDate": null, "AnniversaryDate": null, "CustomText1": "", "CustomText2": "", "CustomText3": "", "CustomText4": "", "CustomText5": "", "CustomText6": "", "CustomDate1": null, "CustomDate2": null, "CustomDate3": null, "Labels": ["\u0645\u0634\u062a\u0631\u06cc"], "Active": true}',NULL,'2026-12-01 00:21:24.560292','2026-12-04 00:21:24.560295',1,0,1,0,0,NULL,'2026-12-01 00:21:24.554813',NULL);
CREATE TABLE spent (
	name VARCHAR(100) NOT NULL, 
	until DATETIME NOT NULL, "key" VARCHAR(64) DEFAULT '' NOT NULL, 
	PRIMARY KEY (name)
);
CREATE INDEX outbox_due ON outbox (state, due);
CREATE INDEX outbox_portal_id ON outbox (portal_id);
COMMIT;
