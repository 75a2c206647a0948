CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.breaker (
    id integer NOT NULL,
    status character varying(64) NOT NULL,
    refused boolean NOT NULL,
    since timestamp without time zone NOT NULL,
    probe_at timestamp without time zone NOT NULL,
    probes integer NOT NULL
);
CREATE SEQUENCE public.breaker_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.breaker_id_seq OWNED BY public.breaker.id;
CREATE TABLE public.outbox (
    id bigint NOT NULL,
    key character varying(64) NOT NULL,
    form character varying(40) NOT NULL,
    state character varying(16) NOT NULL,
    status character varying(64) NOT NULL,
    contact text,
    owner character varying(32),
    due timestamp without time zone NOT NULL,
    give_up_at timestamp without time zone NOT NULL,
    uncertain boolean NOT NULL,
    blind boolean NOT NULL,
    attempts integer NOT NULL,
    unexplained integer NOT NULL,
    looks integer NOT NULL,
    portal_id bigint,
    created_at timestamp without time zone NOT NULL,
    operator text
);
CREATE SEQUENCE public.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.outbox_id_seq OWNED BY public.outbox.id;
CREATE TABLE public.spent (
    name character varying(100) NOT NULL,
    until timestamp without time zone NOT NULL,
    key character varying(64) DEFAULT ''::character varying NOT NULL
);
ALTER TABLE ONLY public.breaker ALTER COLUMN id SET DEFAULT nextval('public.breaker_id_seq'::regclass);
ALTER TABLE ONLY public.outbox ALTER COLUMN id SET DEFAULT nextval('public.outbox_id_seq'::regclass);
INSERT INTO public.alembic_version VALUES ('0003');
INSERT INTO public.outbox VALUES (1, 'a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0', 'contact', 'queued', '', '{"Mobile": "09120000000", "FName": "\u0645\u0646\u062a\u0638\u0631", "LName": "\u0645\u062d\u0645\u062f\u06cc", "GenderType": null, "CompanyTitle": "", "JobTitle": "", "Email": "p0@example.ir", "CityName": "", "AddressText": "", "BornDate": null, "AnniversaryDate": null, "CustomText1": "", "CustomText2": "", "CustomText3": "", "CustomText4": "", "CustomText5": "", "CustomText6": "", "CustomDate1": null, "CustomDate2": null, "CustomDate3": null, "Labels": ["\u0645\u0634\u062a\u0631\u06cc"], "Active": true}', NULL, '2026-12-01 00:21:36.418146', '2026-12-04 00:21:36.418146', false, false, 0, 0, 0, NULL, '2026-12-01 00:21:36.418146', NULL);
INSERT INTO public.outbox VALUES (2, 'a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1', 'contact', 'sending', '', '{"Mobile": "09120000001", "FName": "\u062f\u0631\u0631\u0627\u0647", "LName": "\u0645\u062d\u0645\u062f\u06cc", "GenderType": null, "CompanyTitle": "", "JobTitle": "", "Email": "p1@example.ir", "CityName": "", "AddressText": "", "BornDate": null, "AnniversaryDate": null, "CustomText1": "", "CustomText2": "", "CustomText3": "", "CustomText4": "", "CustomText5": "", "CustomText6": "", "CustomDate1": null, "CustomDate2": null, "CustomDate3": null, "Labels": ["\u0645\u0634\u062a\u0631\u06cc"], "Active": true}', '4525d3d6c2ec5460', '2026-12-01 00:22:00.44012', '2026-12-04 00:21:36.44012', false, false, 0, 0, 0, NULL, '2026-12-01 00:21:36.44012', NULL);
INSERT INTO public.outbox VALUES (3, 'a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2', 'contact', 'delivered', '', NULL, NULL, '2026-12-31 00:21:36.486318', '2026-12-04 00:21:36.459632', false, false, 0, 0, 0, 7, '2026-12-01 00:21:36.459632', NULL);
INSERT INTO public.outbox VALUES (4, 'a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3', 'contact', 'rejected', 'Mobile_Invalid', '{"Mobile": "09120000003", "FName": "\u0631\u062f\u0634\u062f\u0647", "LName": "\u0645\u062d\u0645\u062f\u06cc", "GenderType": null, "CompanyTitle": "", "JobTitle": "", "Email": "p3@example.ir", "CityName": "", "AddressText": "", "BornDate": null, "AnniversaryDate": null, "CustomText1": "", "CustomText2": "", "CustomText3": "", "CustomText4": "", "CustomText5": "", "CustomText6": "", "CustomDate1": null, "CustomDate2": null, "CustomDate3": null, "Labels": ["\u0645\u0634\u062a\u0631\u06cc"], "Active": true}', NULL, '2026-12-31 00:21:36.532437', '2026-12-04 00:21:36.506701', false, false, 0, 0, 0, NULL, '2026-12-01 00:21:36.506701', NULL);
INSERT INTO public.outbox VALUES (5, 'a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4', 'news', 'held', 'honeypot', '{"Mobile": "09120000004", "FName": "\u0645\u0634\u06a9\u0648\u06a9", "LName": "\u0645\u062d\u0645\u062f\u06cc", "GenderType": null, "CompanyTitle": "", "JobTitle": "", "Email": "p4@example.ir", "CityName": "", "AddressText": "", "BornDate": null, "AnniversaryDate": null, "CustomText1": "", "CustomText2": "", "CustomText3": "", "CustomText4": "", "CustomText5": "", "CustomText6": "", "CustomDate1": null, "CustomDate2": null, "CustomDate3": null, "Labels": ["\u0645\u0634\u062a\u0631\u06cc"], "Active": true}', NULL, '2026-12-31 00:21:36.555387', '2026-12-04 00:21:36.555387', false, false, 0, 0, 0, NULL, '2026-12-01 00:21:36.555387', NULL);
INSERT INTO public.outbox VALUES (6, 'a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5', 'contact', 'queued', 'ReadTimeout', '{"Mobile": "09120000005", "FName": "\u0634\u0627\u06cc\u062f", "LName": "\u0645\u062d\u0645\u062f\u06cc", "GenderType": null, "CompanyTitle": "", "JobTitle": "", "Email": "p5@example.ir", "CityName": "", "AddressText": "", "BornDate": null, "AnniversaryDate": null, "CustomText1": "", "CustomText2": "", "CustomText3": "", "CustomText4": "", "CustomText5": "", "CustomText6": "", "CustomDate1": null, "CustomDate2": null, "CustomDate3": null, "Labels": ["\u0645\u0634\u062a\u0631\u06cc"], "Active": true}', NULL, '2026-12-01 00:21:36.579906', '2026-12-04 00:21:36.579906', true, false, 1, 0, 0, NULL, '2026-12-01 00:21:36.564885', NULL);
SELECT pg_catalog.setval('public.breaker_id_seq', 1, false);
SELECT pg_catalog.setval('public.outbox_id_seq', 6, true);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.breaker
    ADD CONSTRAINT breaker_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_key_key UNIQUE (key);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.spent
    ADD CONSTRAINT spent_pkey PRIMARY KEY (name);
CREATE INDEX outbox_due ON public.outbox USING btree (state, due);
CREATE INDEX outbox_portal_id ON public.outbox USING btree (portal_id);
