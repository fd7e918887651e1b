-- workflows, what is known of contacts, the events of the last weeks, runs with their steps
-- depends:

-- migrate: apply

-- Raised by every change of a definition or a state: who decides on events looks here whether to read them again.
CREATE TABLE revision (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    number bigint NOT NULL
);

INSERT INTO revision (number) VALUES (0);

CREATE TABLE workflows (
    workflow_id uuid PRIMARY KEY,
    account_id integer NOT NULL,
    name text NOT NULL,
    version integer NOT NULL,
    state text NOT NULL CHECK (state IN ('draft', 'active', 'paused', 'deleted')),
    revision bigint NOT NULL,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL
);

CREATE INDEX workflows_of_account ON workflows (account_id, workflow_id);
CREATE INDEX workflows_changed ON workflows (revision);

CREATE TABLE definitions (
    workflow_id uuid NOT NULL,
    version integer NOT NULL,
    body text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (workflow_id, version)
);

-- What a workflow was when: an event counts for the definition in effect when it was recorded.
CREATE TABLE phases (
    workflow_id uuid NOT NULL,
    number integer NOT NULL,
    since timestamptz NOT NULL,
    state text NOT NULL,
    version integer NOT NULL,
    PRIMARY KEY (workflow_id, number)
);

-- One row of facts per contact. `projection` lets a new one be built beside the old one.
CREATE TABLE contacts (
    projection smallint NOT NULL,
    account_id integer NOT NULL,
    contact_id bigint NOT NULL,
    partition smallint NOT NULL,
    facts bytea NOT NULL,
    segments uuid[] NOT NULL,
    PRIMARY KEY (projection, account_id, contact_id)
) WITH (fillfactor = 80);

-- The events of the last weeks as they came: for waits that look back, pauses that are over, drafts that are tried.
CREATE TABLE occurrences (
    position bigint GENERATED ALWAYS AS IDENTITY,
    partition smallint NOT NULL,
    account_id integer NOT NULL,
    contact_id bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    topic text NOT NULL,
    type text NOT NULL,
    correlation_id text,
    causation_id text,
    trace text,
    body bytea NOT NULL,
    PRIMARY KEY (partition, position)
);

CREATE INDEX occurrences_recorded ON occurrences (partition, recorded_at);

CREATE TABLE runs (
    run_id uuid PRIMARY KEY,
    workflow_id uuid NOT NULL,
    version integer NOT NULL,
    account_id integer NOT NULL,
    contact_id bigint NOT NULL,
    partition smallint NOT NULL,
    state text NOT NULL,
    step_id text,
    since timestamptz NOT NULL,
    due_at timestamptz,
    steps_taken integer NOT NULL,
    taken uuid[] NOT NULL,
    trigger_type text NOT NULL,
    trigger_event uuid NOT NULL,
    trigger_occurred_at timestamptz NOT NULL,
    trigger_recorded_at timestamptz NOT NULL,
    depth integer NOT NULL,
    started_at timestamptz NOT NULL,
    cause_event text NOT NULL,
    correlation_id text,
    trace text,
    ended_at timestamptz,
    reason text,
    saw text,
    trigger_body bytea NOT NULL
) WITH (fillfactor = 90);

CREATE INDEX runs_running ON runs (account_id, contact_id) WHERE state = 'running';
CREATE INDEX runs_due ON runs (partition, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX runs_of_contact ON runs (workflow_id, contact_id);
CREATE INDEX runs_listed ON runs (workflow_id, started_at, trigger_event);
CREATE INDEX runs_triggered ON runs (trigger_event);

CREATE TABLE run_steps (
    run_id uuid NOT NULL,
    number integer NOT NULL,
    step_id text NOT NULL,
    kind text NOT NULL,
    at timestamptz NOT NULL,
    saw text,
    result text NOT NULL,
    cause_event text NOT NULL,
    PRIMARY KEY (run_id, number)
);

-- What runs asked for, and what came of it: every event that follows from a run.
CREATE TABLE effects (
    event_id uuid PRIMARY KEY,
    run_id uuid NOT NULL,
    step_id text,
    type text NOT NULL,
    caused_by text,
    occurred_at timestamptz NOT NULL,
    by_run boolean NOT NULL
);

CREATE INDEX effects_of_run ON effects (run_id);

-- Workflows that are paused, or have not yet caught up with what came meanwhile: decided on up to `position`.
CREATE TABLE backlog (
    workflow_id uuid NOT NULL,
    partition smallint NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (partition, workflow_id)
);

-- Workflows that take the members which a segment has already, up to `contact_id`.
CREATE TABLE enrolments (
    workflow_id uuid NOT NULL,
    partition smallint NOT NULL,
    version integer NOT NULL,
    contact_id bigint NOT NULL,
    PRIMARY KEY (partition, workflow_id)
);

-- migrate: rollback

DROP TABLE enrolments;
DROP TABLE backlog;
DROP TABLE effects;
DROP TABLE run_steps;
DROP TABLE runs;
DROP TABLE occurrences;
DROP TABLE contacts;
DROP TABLE phases;
DROP TABLE definitions;
DROP TABLE workflows;
DROP TABLE revision;
