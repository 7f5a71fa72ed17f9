/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** One step over many cases: those listed, or those a filter finds. */
export type BulkStepInput = {
  /** The cases, in the order they are to be stepped. */
  caseIds?: Array<string> | null | undefined;
  /** To whom, where the step needs it. */
  departmentId?: string | null | undefined;
  /** Or those found by this, most urgent first; at most 5000. */
  filter?: CaseFilter | null | undefined;
  /** Made by the client: the same job sent again is the same job. */
  jobId: string;
  /** The matter, where the step names it. */
  matterId?: string | null | undefined;
  /** Why, where the step needs it. */
  reason?: string | null | undefined;
  /** The case to merge into. */
  targetId?: string | null | undefined;
  /** One of file, reject, classify, dispatch, transfer, recall, accept, start, suspend, resume, supervise, verify, close, merge. */
  verb: string;
};

/** Which cases; conditions given together all hold. */
export type CaseFilter = {
  /** In this area's subtree. */
  areaId?: string | null | undefined;
  /** West, south, east, north in degrees. */
  bbox?: Array<number> | null | undefined;
  /** With this department. */
  departmentId?: string | null | undefined;
  /** Owned by this governance grid. */
  homeAreaId?: string | null | undefined;
  /** The handling deadline was missed or is past, or (false) not. */
  late?: boolean | null | undefined;
  /** Risen at least this high: 1 town, 2 district, 3 city. */
  level?: number | null | undefined;
  /** Of this matter. */
  matterId?: string | null | undefined;
  /** With one of the caller's departments, or with an open part for one of them. */
  mine?: boolean | null | undefined;
  /** Open ones, or (false) ended ones. */
  open?: boolean | null | undefined;
  /** Opened at or after. */
  openedAfter?: string | null | undefined;
  /** Opened before. */
  openedBefore?: string | null | undefined;
  /** `report` or `alert`. */
  origin?: string | null | undefined;
  /** Past their deadline and open, or (false) not. */
  overdue?: boolean | null | undefined;
  /** A request waits for a decision, or (false) none does. */
  pendingRequest?: boolean | null | undefined;
  /** The clock measures this: check, handle or verify. */
  phase?: string | null | undefined;
  /** One of its reports came by citizen, qr, hotline, police110 or staff. */
  source?: string | null | undefined;
  /** Any of these states. */
  states?: Array<string> | null | undefined;
  /** Under supervision, or (false) not. */
  supervised?: boolean | null | undefined;
  /** Begin of the number, or part of the title. */
  text?: string | null | undefined;
  /** With no department, or (false) with one. */
  unowned?: boolean | null | undefined;
};

/** Order of a list of cases. */
export type CaseOrder =
  /** Open ones with a running clock, nearest deadline first. */
  | 'DUE'
  /** Opened last first. */
  | 'NEWEST';

/** The coordinate system a position is given in: GPS and browsers give WGS84; CGCS2000 differs by decimetres; GCJ02 is that of Chinese web maps; BD09 is Baidu's. Only WGS 84 is ever given out. */
export type Datum =
  | 'BD09'
  | 'CGCS2000'
  | 'GCJ02'
  | 'WGS84';

/** Something done on the spot, perhaps without a connection. */
export type FieldActionInput = {
  /** The action on this case that was done before and whose answer the phone does not have yet; this one waits for it. */
  after?: string | null | undefined;
  /** Of a step, where it needs one. */
  amount?: number | null | undefined;
  /** The case. */
  caseId: string;
  /** A UUID made by the phone; the same action sent again carries the same one. */
  id: string;
  /** `arrive`, `note`, `photo` or `step`. */
  kind: string;
  /** Of a step, where it needs one. */
  matterId?: string | null | undefined;
  /** When it was done, by the phone's clock. */
  occurredAt: string;
  /** What the phone's clock says while this is sent; a wrong clock is corrected by it. */
  phoneNow: string;
  /** Of photos: claims that POST /uploads gave, 1 to 6. */
  photoClaims?: Array<string> | null | undefined;
  /** Of an arrival; only distance and verdict are kept. */
  position?: PositionInput | null | undefined;
  /** Of a step, where it needs one. */
  reason?: string | null | undefined;
  /** Of photos: `before` or `after` the work. */
  role?: string | null | undefined;
  /** Case.stage as the phone last read it. A step on a case that others have moved since becomes a note. The same for all steps of a chain done offline. */
  seen?: string | null | undefined;
  /** Words of a note, or about photos. */
  text?: string | null | undefined;
  /** Of a step, where it needs one. */
  unit?: string | null | undefined;
  /** Of a step: one of the case's allowedVerbs. */
  verb?: string | null | undefined;
};

/** Which figures. */
export type FiguresInput = {
  /** Only cases in this area's subtree. */
  areaId?: string | null | undefined;
  /** Which figures, in this order; all when null. */
  codes?: Array<string> | null | undefined;
  /** Only cases of this department. */
  departmentId?: string | null | undefined;
  /** First local day. */
  from: unknown;
  /** `none`, `area`, `department`, `matter` or `source`. */
  groupBy?: string;
  /** Level of the areas to compare; null: those right below areaId, or the topmost there are several of. */
  level?: string | null | undefined;
  /** Only cases of this matter. */
  matterId?: string | null | undefined;
  /** Only cases from citizen, hotline, staff, police110, qr or alert. */
  source?: string | null | undefined;
  /** Last local day, counted too; the present counts up to now. */
  to: unknown;
};

/** What a live update asks the client to do. */
export type LiveKind =
  /** Everything missed has been delivered; sent once. */
  | 'CAUGHT_UP'
  /** Remove the case: it left what the caller may see. */
  | 'LEAVE'
  /** Too far behind: read the list again. */
  | 'RESYNC'
  /** Show the case as it is now. */
  | 'UPSERT';

/** One unit's part of a joint action. */
export type PartInput = {
  /** The unit that is called. */
  departmentId: string;
  /** What it has to do, at most 200 characters. */
  task: string;
};

/** A position as its sender knows it, with the datum it is in. */
export type PositionInput = {
  /** Radius in metres the receiver claims; leave out when unknown. */
  accuracyM?: number | null | undefined;
  /** Coordinate system of lon and lat; never guessed. */
  datum: Datum;
  /** Latitude in degrees. */
  lat: number;
  /** Longitude in degrees. */
  lon: number;
};

/** A message to those who reported a case: typed, or from a template. */
export type ReporterMessageInput = {
  /** The case. */
  caseId: string;
  /** To the sender of this report only; left out: to every reporter of the case. */
  reportId?: string | null | undefined;
  /** A UUID made by the client; a retry is the same message. */
  submissionId?: string | null | undefined;
  /** A template in place of words. */
  templateCode?: string | null | undefined;
  /** The words, 1 to 1000 characters. */
  text?: string | null | undefined;
};

/** What somebody is about to report. */
export type SimilarReportsInput = {
  /** What is wrong, 1 to 4000 characters. */
  description: string;
  /** What kind of matter; left out, the likeliest three are looked for. */
  matterId?: string | null | undefined;
  /** Claims that POST /uploads gave, at most 6. */
  photoClaims?: Array<string> | null | undefined;
  /** Where. */
  position: PositionInput;
};

/** What one shift leaves to the next. */
export type StartHandoverInput = {
  /** What the next shift must know. */
  text: string;
  /** Who takes over, where that is known. */
  toUserId?: string | null | undefined;
};

/** One step of a case. */
export type StepCaseInput = {
  /** Whom the complaint is about, where it is about a unit. */
  aboutDepartmentId?: string | null | undefined;
  /** How much more time. */
  amount?: number | null | undefined;
  /** The case. */
  caseId: string;
  /** Made by the client: the same command sent again is the same step. */
  commandId?: string | null | undefined;
  /** The matter's filing condition; the first when left out. */
  conditionId?: string | null | undefined;
  /** To whom, where the step needs it. */
  departmentId?: string | null | undefined;
  /** The matter, where the step names it. */
  matterId?: string | null | undefined;
  /** By the client's clock, where the step was taken earlier. */
  occurredAt?: string | null | undefined;
  /** Units called to joint action. */
  parts?: Array<PartInput> | null | undefined;
  /** Why, where the step needs it. */
  reason?: string | null | undefined;
  /** Reports to split off. */
  reportIds?: Array<string> | null | undefined;
  /** Revision the caller looked at; a case changed since is a conflict. */
  revision?: number | null | undefined;
  /** The case to merge into. */
  targetId?: string | null | undefined;
  /** urgent_hour, urgent_day, work_hour or work_day. */
  unit?: string | null | undefined;
  /** The step, one of the case's allowedVerbs. */
  verb: string;
};

/** A report, complete or a retry of one with the same submissionId. */
export type SubmitReportInput = {
  /** How to address the reporter; optional. */
  contactName?: string | null | undefined;
  /** How to reach the reporter; optional. */
  contactPhone?: string | null | undefined;
  /** What is wrong, 1 to 4000 characters. */
  description: string;
  /** What kind of matter; leave out when unsure. */
  matterId?: string | null | undefined;
  /** When, by the sender's clock. */
  occurredAt: string;
  /** Claims that POST /uploads gave, at most 6. */
  photoClaims?: Array<string> | null | undefined;
  /** Where. */
  position: PositionInput;
  /** Number of a case from similarReports: it is the same. Where that is over or too far, a case of its own is opened. */
  sameAs?: string | null | undefined;
  /** `citizen` (default) or `qr`; `hotline`, `police110` and `staff` need report.staff. */
  source?: string | null | undefined;
  /** A UUID made by the sender; a retry carries the same one and is the same report. */
  submissionId: string;
};

/** A browser's push subscription, as the browser gives it. */
export type SubscribePushInput = {
  /** keys.auth */
  auth: string;
  /** What the person calls this browser. */
  label?: string;
  /** keys.p256dh */
  p256dh: string;
  /** endpoint */
  url: string;
};

export type CasePinFragment = { id: string, number: string, origin: string, state: string, title: string, lon: number, lat: number, openedAt: string, dueAt: string | null, overdue: boolean, closedAt: string | null, updatedAt: string, revision: number, phase: string | null, dueBasis: string | null, dueProvisional: boolean, late: boolean, level: number, supervisedAt: string | null, pendingRequest: string | null, claimedBy: { userId: string, byName: string, until: string } | null, homeArea: { id: string, code: string, name: string } | null, department: { id: string, name: string, nameEn: string | null } | null };

export type CaseDetailFragment = { filedAt: string | null, dispatchedAt: string | null, acceptedAt: string | null, handledAt: string | null, verifiedAt: string | null, firstReplyAt: string | null, handleDueAt: string | null, lateAt: string | null, bounces: number, reworks: number, reopens: number, extensions: number, wantsRating: boolean, rateUntil: string | null, satisfaction: string | null, id: string, number: string, origin: string, state: string, title: string, lon: number, lat: number, openedAt: string, dueAt: string | null, overdue: boolean, closedAt: string | null, updatedAt: string, revision: number, phase: string | null, dueBasis: string | null, dueProvisional: boolean, late: boolean, level: number, supervisedAt: string | null, pendingRequest: string | null, stateName: { zh: string, en: string }, proposedDepartment: { id: string, name: string, nameEn: string | null } | null, aboutDepartment: { id: string, name: string, nameEn: string | null } | null, suggestedAbout: Array<{ id: string, name: string, nameEn: string | null }>, mergedInto: { id: string, number: string, state: string } | null, mergedCases: Array<{ id: string, number: string, state: string }>, splitFrom: { id: string, number: string, state: string } | null, parts: Array<{ id: string, task: string, askedAt: string, arrivedAt: string | null, doneAt: string | null, result: string | null, department: { id: string, name: string, nameEn: string | null } }>, requests: Array<{ id: string, kind: string, amount: number | null, unit: string | null, reason: string, askedAt: string, askedByName: string | null, decision: string | null, decidedAt: string | null, decidedByName: string | null }>, matter: { id: string, name: string, nameEn: string | null, majorName: string, kind: string } | null, homeArea: { id: string, code: string, name: string, approximate: boolean, path: Array<{ id: string, level: string, code: string, name: string }> } | null, receipt: { id: string, at: string, ruleCode: string, ruleVersion: number, capacity: string | null, accuracyM: number | null, candidates: unknown, owners: unknown, why: Array<{ code: string, zh: string, en: string }>, department: { id: string, name: string, nameEn: string | null } | null }, reports: Array<{ id: string, source: string, description: string, occurredAt: string, receivedAt: string, accuracyM: number | null, datum: string, mediaUrl: string | null, publicText: string | null, photos: Array<{ id: string, width: number, height: number, url: string, takenAt: string | null }> }>, alerts: Array<{ id: string, kind: string, firstAt: string, lastAt: string, detectionCount: number, confidence: number }>, transitions: Array<{ id: string, at: string, verb: string, fromState: string | null, toState: string, actorName: string | null, reason: string | null, department: { id: string, name: string, nameEn: string | null } | null }>, allowedVerbs: Array<{ verb: string, needs: Array<string>, name: { zh: string, en: string } }>, claimedBy: { userId: string, byName: string, until: string } | null, department: { id: string, name: string, nameEn: string | null } | null };

export type SnapshotQueryVariables = Exact<{
  filter?: CaseFilter | null | undefined;
  first: number;
  after?: string | null | undefined;
}>;


export type SnapshotQuery = { livePosition: number, cases: { nodes: Array<{ id: string, number: string, origin: string, state: string, title: string, lon: number, lat: number, openedAt: string, dueAt: string | null, overdue: boolean, closedAt: string | null, updatedAt: string, revision: number, phase: string | null, dueBasis: string | null, dueProvisional: boolean, late: boolean, level: number, supervisedAt: string | null, pendingRequest: string | null, claimedBy: { userId: string, byName: string, until: string } | null, homeArea: { id: string, code: string, name: string } | null, department: { id: string, name: string, nameEn: string | null } | null }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type CaseListQueryVariables = Exact<{
  filter?: CaseFilter | null | undefined;
  first: number;
  after?: string | null | undefined;
  order: CaseOrder;
}>;


export type CaseListQuery = { cases: { nodes: Array<{ id: string, number: string, origin: string, state: string, title: string, lon: number, lat: number, openedAt: string, dueAt: string | null, overdue: boolean, closedAt: string | null, updatedAt: string, revision: number, phase: string | null, dueBasis: string | null, dueProvisional: boolean, late: boolean, level: number, supervisedAt: string | null, pendingRequest: string | null, claimedBy: { userId: string, byName: string, until: string } | null, homeArea: { id: string, code: string, name: string } | null, department: { id: string, name: string, nameEn: string | null } | null }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type CaseCountsQueryVariables = Exact<{
  open: CaseFilter;
  supervised: CaseFilter;
  request: CaseFilter;
}>;


export type CaseCountsQuery = { open: { open: number, overdue: number, unowned: number, byState: Array<{ state: string, count: number }> }, supervised: { open: number }, request: { open: number } };

export type CaseByIdQueryVariables = Exact<{
  id: string;
}>;


export type CaseByIdQuery = { case: { filedAt: string | null, dispatchedAt: string | null, acceptedAt: string | null, handledAt: string | null, verifiedAt: string | null, firstReplyAt: string | null, handleDueAt: string | null, lateAt: string | null, bounces: number, reworks: number, reopens: number, extensions: number, wantsRating: boolean, rateUntil: string | null, satisfaction: string | null, id: string, number: string, origin: string, state: string, title: string, lon: number, lat: number, openedAt: string, dueAt: string | null, overdue: boolean, closedAt: string | null, updatedAt: string, revision: number, phase: string | null, dueBasis: string | null, dueProvisional: boolean, late: boolean, level: number, supervisedAt: string | null, pendingRequest: string | null, stateName: { zh: string, en: string }, proposedDepartment: { id: string, name: string, nameEn: string | null } | null, aboutDepartment: { id: string, name: string, nameEn: string | null } | null, suggestedAbout: Array<{ id: string, name: string, nameEn: string | null }>, mergedInto: { id: string, number: string, state: string } | null, mergedCases: Array<{ id: string, number: string, state: string }>, splitFrom: { id: string, number: string, state: string } | null, parts: Array<{ id: string, task: string, askedAt: string, arrivedAt: string | null, doneAt: string | null, result: string | null, department: { id: string, name: string, nameEn: string | null } }>, requests: Array<{ id: string, kind: string, amount: number | null, unit: string | null, reason: string, askedAt: string, askedByName: string | null, decision: string | null, decidedAt: string | null, decidedByName: string | null }>, matter: { id: string, name: string, nameEn: string | null, majorName: string, kind: string } | null, homeArea: { id: string, code: string, name: string, approximate: boolean, path: Array<{ id: string, level: string, code: string, name: string }> } | null, receipt: { id: string, at: string, ruleCode: string, ruleVersion: number, capacity: string | null, accuracyM: number | null, candidates: unknown, owners: unknown, why: Array<{ code: string, zh: string, en: string }>, department: { id: string, name: string, nameEn: string | null } | null }, reports: Array<{ id: string, source: string, description: string, occurredAt: string, receivedAt: string, accuracyM: number | null, datum: string, mediaUrl: string | null, publicText: string | null, photos: Array<{ id: string, width: number, height: number, url: string, takenAt: string | null }> }>, alerts: Array<{ id: string, kind: string, firstAt: string, lastAt: string, detectionCount: number, confidence: number }>, transitions: Array<{ id: string, at: string, verb: string, fromState: string | null, toState: string, actorName: string | null, reason: string | null, department: { id: string, name: string, nameEn: string | null } | null }>, allowedVerbs: Array<{ verb: string, needs: Array<string>, name: { zh: string, en: string } }>, claimedBy: { userId: string, byName: string, until: string } | null, department: { id: string, name: string, nameEn: string | null } | null } | null };

export type StepCaseMutationVariables = Exact<{
  input: StepCaseInput;
}>;


export type StepCaseMutation = { stepCase: { filedAt: string | null, dispatchedAt: string | null, acceptedAt: string | null, handledAt: string | null, verifiedAt: string | null, firstReplyAt: string | null, handleDueAt: string | null, lateAt: string | null, bounces: number, reworks: number, reopens: number, extensions: number, wantsRating: boolean, rateUntil: string | null, satisfaction: string | null, id: string, number: string, origin: string, state: string, title: string, lon: number, lat: number, openedAt: string, dueAt: string | null, overdue: boolean, closedAt: string | null, updatedAt: string, revision: number, phase: string | null, dueBasis: string | null, dueProvisional: boolean, late: boolean, level: number, supervisedAt: string | null, pendingRequest: string | null, stateName: { zh: string, en: string }, proposedDepartment: { id: string, name: string, nameEn: string | null } | null, aboutDepartment: { id: string, name: string, nameEn: string | null } | null, suggestedAbout: Array<{ id: string, name: string, nameEn: string | null }>, mergedInto: { id: string, number: string, state: string } | null, mergedCases: Array<{ id: string, number: string, state: string }>, splitFrom: { id: string, number: string, state: string } | null, parts: Array<{ id: string, task: string, askedAt: string, arrivedAt: string | null, doneAt: string | null, result: string | null, department: { id: string, name: string, nameEn: string | null } }>, requests: Array<{ id: string, kind: string, amount: number | null, unit: string | null, reason: string, askedAt: string, askedByName: string | null, decision: string | null, decidedAt: string | null, decidedByName: string | null }>, matter: { id: string, name: string, nameEn: string | null, majorName: string, kind: string } | null, homeArea: { id: string, code: string, name: string, approximate: boolean, path: Array<{ id: string, level: string, code: string, name: string }> } | null, receipt: { id: string, at: string, ruleCode: string, ruleVersion: number, capacity: string | null, accuracyM: number | null, candidates: unknown, owners: unknown, why: Array<{ code: string, zh: string, en: string }>, department: { id: string, name: string, nameEn: string | null } | null }, reports: Array<{ id: string, source: string, description: string, occurredAt: string, receivedAt: string, accuracyM: number | null, datum: string, mediaUrl: string | null, publicText: string | null, photos: Array<{ id: string, width: number, height: number, url: string, takenAt: string | null }> }>, alerts: Array<{ id: string, kind: string, firstAt: string, lastAt: string, detectionCount: number, confidence: number }>, transitions: Array<{ id: string, at: string, verb: string, fromState: string | null, toState: string, actorName: string | null, reason: string | null, department: { id: string, name: string, nameEn: string | null } | null }>, allowedVerbs: Array<{ verb: string, needs: Array<string>, name: { zh: string, en: string } }>, claimedBy: { userId: string, byName: string, until: string } | null, department: { id: string, name: string, nameEn: string | null } | null } };

export type LiveSubscriptionVariables = Exact<{
  after?: number | null | undefined;
}>;


export type LiveSubscription = { live: { position: number, kind: LiveKind, eventKind: string, at: string, caseId: string | null, case: { id: string, number: string, origin: string, state: string, title: string, lon: number, lat: number, openedAt: string, dueAt: string | null, overdue: boolean, closedAt: string | null, updatedAt: string, revision: number, phase: string | null, dueBasis: string | null, dueProvisional: boolean, late: boolean, level: number, supervisedAt: string | null, pendingRequest: string | null, claimedBy: { userId: string, byName: string, until: string } | null, homeArea: { id: string, code: string, name: string } | null, department: { id: string, name: string, nameEn: string | null } | null } | null } };

export type CityQueryVariables = Exact<{ [key: string]: never; }>;


export type CityQuery = { city: { name: string, nameEn: string, bbox: Array<number>, center: Array<number>, demo: boolean, attribution: Array<string>, layers: Array<{ code: string, name: string, nameEn: string, promise: string, version: number, count: number }>, basemaps: Array<{ id: string, name: string, kind: string, url: string, datum: Datum, attribution: string, maxZoom: number }> } };

export type DepartmentsQueryVariables = Exact<{ [key: string]: never; }>;


export type DepartmentsQuery = { departments: Array<{ id: string, code: string, name: string, nameEn: string | null, kind: string }> };

export type MattersQueryVariables = Exact<{ [key: string]: never; }>;


export type MattersQuery = { matters: Array<{ id: string, kind: string, major: string, majorName: string, minor: string, name: string, nameEn: string | null }> };

export type SearchPlacesQueryVariables = Exact<{
  text: string;
}>;


export type SearchPlacesQuery = { searchPlaces: Array<{ id: string, kind: string, name: string, detail: string, lon: number, lat: number, precisionM: number, confidence: number, areaId: string | null, bbox: Array<number> | null }> };

export type LocateQueryVariables = Exact<{
  position: PositionInput;
}>;


export type LocateQuery = { locate: { position: GeoJSON.Geometry, nearBorder: boolean, owners: Array<{ layer: string, layerName: string, areaId: string | null, code: string | null, name: string | null }>, department: { id: string, name: string, nameEn: string | null } | null, candidates: Array<{ areaId: string, code: string, name: string, distanceM: number, share: number }> } };

export type CaseTalkQueryVariables = Exact<{
  id: string;
}>;


export type CaseTalkQuery = { case: { id: string, messages: Array<{ id: string, kind: string, text: string, textEn: string | null, at: string, authorName: string | null }>, ratings: Array<{ id: string, satisfaction: string, words: string | null, at: string, round: number }> } | null };

export type CaseWorkQueryVariables = Exact<{
  id: string;
}>;


export type CaseWorkQuery = { case: { id: string, visits: Array<{ id: string, at: string, occurredAt: string, verdict: string, distanceM: number | null, userName: string | null }>, notes: Array<{ id: string, kind: string, text: string | null, at: string, occurredAt: string, authorName: string | null, photos: Array<{ id: string, width: number, height: number, url: string, takenAt: string | null, role: string | null, releasedAt: string | null }> }> } | null };

export type CaseToldQueryVariables = Exact<{
  id: string;
}>;


export type CaseToldQuery = { case: { id: string, deliveries: Array<{ id: string, to: string | null, toReporter: boolean, departmentName: string | null, state: string, createdAt: string, sentAt: string | null, readAt: string | null, readByName: string | null, lastError: string | null, channelName: { zh: string, en: string }, stateName: { zh: string, en: string }, rungName: { zh: string, en: string } }> } | null };

export type CaseTwinsQueryVariables = Exact<{
  id: string;
}>;


export type CaseTwinsQuery = { case: { id: string, duplicates: Array<{ score: number, sure: boolean, distanceM: number, apartS: number, wordsShare: number, sameMatter: boolean, case: { id: string, number: string, state: string } }>, links: Array<{ id: string, kind: string, at: string, actorName: string | null, score: number | null, undoneAt: string | null, other: { id: string, number: string, state: string } | null }> } | null };

export type CaseMattersQueryVariables = Exact<{
  id: string;
}>;


export type CaseMattersQuery = { case: { id: string, suggestedMatters: Array<{ score: number, words: Array<string>, matter: { id: string, name: string, nameEn: string | null } }> } | null };

export type TwinFieldsFragment = { id: string, number: string, title: string, state: string, openedAt: string, lon: number, lat: number, homeArea: { id: string, name: string } | null, department: { id: string, name: string, nameEn: string | null } | null, reports: Array<{ id: string, description: string, receivedAt: string, source: string, photos: Array<{ id: string, width: number, height: number, url: string, takenAt: string | null }> }> };

export type TwinByIdQueryVariables = Exact<{
  id: string;
}>;


export type TwinByIdQuery = { case: { id: string, number: string, title: string, state: string, openedAt: string, lon: number, lat: number, homeArea: { id: string, name: string } | null, department: { id: string, name: string, nameEn: string | null } | null, reports: Array<{ id: string, description: string, receivedAt: string, source: string, photos: Array<{ id: string, width: number, height: number, url: string, takenAt: string | null }> }> } | null };

export type ReplyTemplatesQueryVariables = Exact<{ [key: string]: never; }>;


export type ReplyTemplatesQuery = { replyTemplates: Array<{ code: string, kind: string, name: string, textZh: string, textEn: string, enabled: boolean }> };

export type AskReporterMutationVariables = Exact<{
  input: ReporterMessageInput;
}>;


export type AskReporterMutation = { askReporter: { id: string, revision: number } };

export type ReplyToReporterMutationVariables = Exact<{
  input: ReporterMessageInput;
}>;


export type ReplyToReporterMutation = { replyToReporter: { id: string, revision: number } };

export type ReleasePhotosMutationVariables = Exact<{
  caseId: string;
  photoIds: Array<string> | string;
  released: boolean;
}>;


export type ReleasePhotosMutation = { releasePhotos: { id: string, revision: number } };

export type ModerateReportMutationVariables = Exact<{
  reportId: string;
  publicText?: string | null | undefined;
}>;


export type ModerateReportMutation = { moderateReport: { id: string, publicText: string | null } };

export type SuggestMattersQueryVariables = Exact<{
  text: string;
  position?: PositionInput | null | undefined;
}>;


export type SuggestMattersQuery = { suggestMatters: Array<{ score: number, words: Array<string>, matter: { id: string, name: string, nameEn: string | null } }> };

export type CaseTimesQueryVariables = Exact<{
  id: string;
}>;


export type CaseTimesQuery = { case: { id: string, clock: Array<{ seq: number, at: string, kind: string, phase: string, amount: number | null, unit: string | null, calendarVersion: string, dueAt: string | null, provisional: boolean, actorName: string | null, reason: string | null }>, escalations: Array<{ id: string, level: number, phase: string, dueAt: string, at: string, explanation: string | null, explainedAt: string | null, explainedByName: string | null, levelName: { zh: string, en: string }, department: { id: string, name: string, nameEn: string | null } | null }> } | null };

export type FileCallMutationVariables = Exact<{
  input: SubmitReportInput;
}>;


export type FileCallMutation = { submitReport: { caseId: string, number: string, trackingCode: string, repeated: boolean, areaName: string | null, departmentName: string | null, why: Array<{ code: string, zh: string, en: string }> } };

export type MediaViewsQueryVariables = Exact<{
  caseId: string;
}>;


export type MediaViewsQuery = { mediaViews: Array<{ id: string, at: string, userName: string | null, byReporter: boolean }> };

export type CaseRankingQueryVariables = Exact<{
  id: string;
}>;


export type CaseRankingQuery = { case: { id: string, ranking: Array<{ score: number, load: number, overdue: number, onDuty: number, onCall: number, department: { id: string, name: string, nameEn: string | null, kind: string }, why: Array<{ code: string, zh: string, en: string }> }> } | null };

export type ClaimCaseMutationVariables = Exact<{
  caseId: string;
}>;


export type ClaimCaseMutation = { claimCase: { userId: string, byName: string, until: string } };

export type ReleaseCaseMutationVariables = Exact<{
  caseId: string;
}>;


export type ReleaseCaseMutation = { releaseCase: boolean };

export type BulkJobFieldsFragment = { id: string, state: string, total: number, done: number, failed: number, canUndo: boolean, undoOf: string | null };

export type BulkStepMutationVariables = Exact<{
  input: BulkStepInput;
}>;


export type BulkStepMutation = { bulkStep: { id: string, state: string, total: number, done: number, failed: number, canUndo: boolean, undoOf: string | null } };

export type UndoBulkMutationVariables = Exact<{
  jobId: string;
}>;


export type UndoBulkMutation = { undoBulk: { id: string, state: string, total: number, done: number, failed: number, canUndo: boolean, undoOf: string | null } };

export type BulkJobQueryVariables = Exact<{
  id: string;
}>;


export type BulkJobQuery = { bulkJob: { id: string, state: string, total: number, done: number, failed: number, canUndo: boolean, undoOf: string | null } | null };

export type BulkResultsQueryVariables = Exact<{
  id: string;
}>;


export type BulkResultsQuery = { bulkJob: { id: string, results: Array<{ caseId: string, number: string, ok: boolean, errorZh: string | null, errorEn: string | null }> } | null };

export type HandoverFieldsFragment = { id: string, at: string, fromName: string | null, toName: string | null, text: string, acknowledgedByName: string | null, acknowledgedAt: string | null, counts: { open: number, overdue: number, watched: number, unowned: number }, watchedCases: Array<{ id: string, number: string, title: string }> };

export type HandoversQueryVariables = Exact<{
  first: number;
}>;


export type HandoversQuery = { handovers: Array<{ id: string, at: string, fromName: string | null, toName: string | null, text: string, acknowledgedByName: string | null, acknowledgedAt: string | null, counts: { open: number, overdue: number, watched: number, unowned: number }, watchedCases: Array<{ id: string, number: string, title: string }> }> };

export type StartHandoverMutationVariables = Exact<{
  input: StartHandoverInput;
}>;


export type StartHandoverMutation = { startHandover: { id: string, at: string, fromName: string | null, toName: string | null, text: string, acknowledgedByName: string | null, acknowledgedAt: string | null, counts: { open: number, overdue: number, watched: number, unowned: number }, watchedCases: Array<{ id: string, number: string, title: string }> } };

export type AcknowledgeHandoverMutationVariables = Exact<{
  id: string;
}>;


export type AcknowledgeHandoverMutation = { acknowledgeHandover: { id: string, at: string, fromName: string | null, toName: string | null, text: string, acknowledgedByName: string | null, acknowledgedAt: string | null, counts: { open: number, overdue: number, watched: number, unowned: number }, watchedCases: Array<{ id: string, number: string, title: string }> } };

export type FiguresQueryVariables = Exact<{
  input: FiguresInput;
  day: unknown;
}>;


export type FiguresQuery = { figures: Array<{ key: string, name: { zh: string, en: string }, values: Array<{ code: string, version: number, unit: string, value: number | null, numerator: number, denominator: number | null }> }>, figureDefinitions: Array<{ code: string, version: number, statistic: string, unit: string, numerator: unknown, denominator: unknown, filter: unknown, basis: string, name: { zh: string, en: string } }> };

export type FigureCasesQueryVariables = Exact<{
  input: FiguresInput;
  code: string;
  part: string;
  key: string;
  after?: string | null | undefined;
}>;


export type FigureCasesQuery = { figureCases: { nodes: Array<{ id: string, number: string, title: string, state: string, openedAt: string, late: boolean, stateName: { zh: string, en: string }, homeArea: { name: string } | null }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type MeFieldsFragment = { id: string, username: string, displayName: string, permissions: Array<string>, homeBbox: Array<number> | null, department: { id: string, name: string, nameEn: string | null } | null, roles: Array<{ role: string, areaName: string | null, departmentName: string | null, name: { zh: string, en: string } }> };

export type SessionFieldsFragment = { accessToken: string, refreshToken: string, expiresAt: string, me: { id: string, username: string, displayName: string, permissions: Array<string>, homeBbox: Array<number> | null, department: { id: string, name: string, nameEn: string | null } | null, roles: Array<{ role: string, areaName: string | null, departmentName: string | null, name: { zh: string, en: string } }> } };

export type SignInMutationVariables = Exact<{
  username: string;
  password: string;
}>;


export type SignInMutation = { signIn: { accessToken: string, refreshToken: string, expiresAt: string, me: { id: string, username: string, displayName: string, permissions: Array<string>, homeBbox: Array<number> | null, department: { id: string, name: string, nameEn: string | null } | null, roles: Array<{ role: string, areaName: string | null, departmentName: string | null, name: { zh: string, en: string } }> } } };

export type RefreshSessionMutationVariables = Exact<{
  refreshToken: string;
}>;


export type RefreshSessionMutation = { refreshSession: { accessToken: string, refreshToken: string, expiresAt: string, me: { id: string, username: string, displayName: string, permissions: Array<string>, homeBbox: Array<number> | null, department: { id: string, name: string, nameEn: string | null } | null, roles: Array<{ role: string, areaName: string | null, departmentName: string | null, name: { zh: string, en: string } }> } } };

export type SignOutMutationVariables = Exact<{
  refreshToken: string;
}>;


export type SignOutMutation = { signOut: boolean };

export type SubmitReportMutationVariables = Exact<{
  input: SubmitReportInput;
}>;


export type SubmitReportMutation = { submitReport: { reportId: string, number: string, trackingCode: string, repeated: boolean, joined: boolean, areaName: string | null, areaCode: string | null, departmentName: string | null, dueAt: string | null, why: Array<{ code: string, zh: string, en: string }> } };

export type TrackedFragment = { number: string, mergedInto: string | null, state: string, title: string, areaName: string | null, departmentName: string | null, openedAt: string, dueAt: string | null, closedAt: string | null, withdrawn: boolean, canAnswer: boolean, canRate: boolean, rateUntil: string | null, satisfaction: string | null, canReopenUntil: string | null, canWithdraw: boolean, stateName: { zh: string, en: string }, messages: Array<{ id: string, at: string, kind: string, text: string, textEn: string | null }>, photos: Array<{ id: string, own: boolean, width: number, height: number, url: string }>, steps: Array<{ at: string, verb: string, name: { zh: string, en: string } }> };

export type TrackReportQueryVariables = Exact<{
  code: string;
}>;


export type TrackReportQuery = { trackReport: { number: string, mergedInto: string | null, state: string, title: string, areaName: string | null, departmentName: string | null, openedAt: string, dueAt: string | null, closedAt: string | null, withdrawn: boolean, canAnswer: boolean, canRate: boolean, rateUntil: string | null, satisfaction: string | null, canReopenUntil: string | null, canWithdraw: boolean, stateName: { zh: string, en: string }, messages: Array<{ id: string, at: string, kind: string, text: string, textEn: string | null }>, photos: Array<{ id: string, own: boolean, width: number, height: number, url: string }>, steps: Array<{ at: string, verb: string, name: { zh: string, en: string } }> } | null };

export type AnswerQuestionMutationVariables = Exact<{
  code: string;
  text: string;
  submissionId: string;
}>;


export type AnswerQuestionMutation = { answerQuestion: { number: string, mergedInto: string | null, state: string, title: string, areaName: string | null, departmentName: string | null, openedAt: string, dueAt: string | null, closedAt: string | null, withdrawn: boolean, canAnswer: boolean, canRate: boolean, rateUntil: string | null, satisfaction: string | null, canReopenUntil: string | null, canWithdraw: boolean, stateName: { zh: string, en: string }, messages: Array<{ id: string, at: string, kind: string, text: string, textEn: string | null }>, photos: Array<{ id: string, own: boolean, width: number, height: number, url: string }>, steps: Array<{ at: string, verb: string, name: { zh: string, en: string } }> } };

export type RateCaseMutationVariables = Exact<{
  code: string;
  satisfaction: string;
  words?: string | null | undefined;
  submissionId: string;
}>;


export type RateCaseMutation = { rateCase: { number: string, mergedInto: string | null, state: string, title: string, areaName: string | null, departmentName: string | null, openedAt: string, dueAt: string | null, closedAt: string | null, withdrawn: boolean, canAnswer: boolean, canRate: boolean, rateUntil: string | null, satisfaction: string | null, canReopenUntil: string | null, canWithdraw: boolean, stateName: { zh: string, en: string }, messages: Array<{ id: string, at: string, kind: string, text: string, textEn: string | null }>, photos: Array<{ id: string, own: boolean, width: number, height: number, url: string }>, steps: Array<{ at: string, verb: string, name: { zh: string, en: string } }> } };

export type ReopenReportMutationVariables = Exact<{
  code: string;
  reason: string;
  submissionId: string;
}>;


export type ReopenReportMutation = { reopenReport: { number: string, mergedInto: string | null, state: string, title: string, areaName: string | null, departmentName: string | null, openedAt: string, dueAt: string | null, closedAt: string | null, withdrawn: boolean, canAnswer: boolean, canRate: boolean, rateUntil: string | null, satisfaction: string | null, canReopenUntil: string | null, canWithdraw: boolean, stateName: { zh: string, en: string }, messages: Array<{ id: string, at: string, kind: string, text: string, textEn: string | null }>, photos: Array<{ id: string, own: boolean, width: number, height: number, url: string }>, steps: Array<{ at: string, verb: string, name: { zh: string, en: string } }> } };

export type WithdrawReportMutationVariables = Exact<{
  code: string;
  reason: string;
  submissionId: string;
}>;


export type WithdrawReportMutation = { withdrawReport: { number: string, mergedInto: string | null, state: string, title: string, areaName: string | null, departmentName: string | null, openedAt: string, dueAt: string | null, closedAt: string | null, withdrawn: boolean, canAnswer: boolean, canRate: boolean, rateUntil: string | null, satisfaction: string | null, canReopenUntil: string | null, canWithdraw: boolean, stateName: { zh: string, en: string }, messages: Array<{ id: string, at: string, kind: string, text: string, textEn: string | null }>, photos: Array<{ id: string, own: boolean, width: number, height: number, url: string }>, steps: Array<{ at: string, verb: string, name: { zh: string, en: string } }> } };

export type SimilarReportsQueryVariables = Exact<{
  input: SimilarReportsInput;
}>;


export type SimilarReportsQuery = { similarReports: Array<{ number: string, matterName: string, state: string, hoursAgo: number, withinM: number, stateName: { zh: string, en: string } }> };

export type MarkReadMutationVariables = Exact<{
  id: string;
}>;


export type MarkReadMutation = { markRead: boolean };

export type PushKeyQueryVariables = Exact<{ [key: string]: never; }>;


export type PushKeyQuery = { vapidKey: string };

export type SubscribePushMutationVariables = Exact<{
  input: SubscribePushInput;
}>;


export type SubscribePushMutation = { subscribePush: boolean };

export type UnsubscribePushMutationVariables = Exact<{
  url: string;
}>;


export type UnsubscribePushMutation = { unsubscribePush: boolean };

export type WorkCaseFragment = { id: string, number: string, state: string, stage: string | null, revision: number, title: string, origin: string, lon: number, lat: number, openedAt: string, dueAt: string | null, phase: string | null, dueProvisional: boolean, overdue: boolean, closedAt: string | null, late: boolean, level: number, supervisedAt: string | null, pendingRequest: string | null, stateName: { zh: string, en: string }, homeArea: { name: string, code: string } | null, department: { id: string, name: string } | null, allowedVerbs: Array<{ verb: string, needs: Array<string>, name: { zh: string, en: string } }>, reports: Array<{ id: string, source: string, description: string, occurredAt: string, accuracyM: number | null, photos: Array<{ id: string, url: string, width: number, height: number, takenAt: string | null }> }>, parts: Array<{ id: string, task: string, doneAt: string | null, department: { id: string, name: string } }> };

export type MyWorkQueryVariables = Exact<{
  position?: PositionInput | null | undefined;
}>;


export type MyWorkQuery = { myCases: Array<{ id: string, number: string, state: string, stage: string | null, revision: number, title: string, origin: string, lon: number, lat: number, openedAt: string, dueAt: string | null, phase: string | null, dueProvisional: boolean, overdue: boolean, closedAt: string | null, late: boolean, level: number, supervisedAt: string | null, pendingRequest: string | null, stateName: { zh: string, en: string }, homeArea: { name: string, code: string } | null, department: { id: string, name: string } | null, allowedVerbs: Array<{ verb: string, needs: Array<string>, name: { zh: string, en: string } }>, reports: Array<{ id: string, source: string, description: string, occurredAt: string, accuracyM: number | null, photos: Array<{ id: string, url: string, width: number, height: number, takenAt: string | null }> }>, parts: Array<{ id: string, task: string, doneAt: string | null, department: { id: string, name: string } }> }> };

export type HandInMutationVariables = Exact<{
  input: Array<FieldActionInput> | FieldActionInput;
}>;


export type HandInMutation = { fieldActions: Array<{ id: string, status: string, retry: boolean, revision: number | null, state: string | null, stage: string | null, error: { code: string, zh: string, en: string, field: string | null } | null, warning: { code: string, zh: string, en: string, field: string | null } | null }> };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}
export const CasePinFragmentDoc = new TypedDocumentString(`
    fragment CasePin on Case {
  id
  number
  origin
  state
  title
  lon
  lat
  openedAt
  dueAt
  overdue
  closedAt
  updatedAt
  revision
  phase
  dueBasis
  dueProvisional
  late
  level
  supervisedAt
  pendingRequest
  claimedBy {
    userId
    byName
    until
  }
  homeArea {
    id
    code
    name
  }
  department {
    id
    name
    nameEn
  }
}
    `, {"fragmentName":"CasePin"}) as unknown as TypedDocumentString<CasePinFragment, unknown>;
export const CaseDetailFragmentDoc = new TypedDocumentString(`
    fragment CaseDetail on Case {
  ...CasePin
  stateName {
    zh
    en
  }
  filedAt
  dispatchedAt
  acceptedAt
  handledAt
  verifiedAt
  firstReplyAt
  handleDueAt
  lateAt
  bounces
  reworks
  reopens
  extensions
  wantsRating
  rateUntil
  satisfaction
  proposedDepartment {
    id
    name
    nameEn
  }
  aboutDepartment {
    id
    name
    nameEn
  }
  suggestedAbout {
    id
    name
    nameEn
  }
  mergedInto {
    id
    number
    state
  }
  mergedCases {
    id
    number
    state
  }
  splitFrom {
    id
    number
    state
  }
  parts {
    id
    department {
      id
      name
      nameEn
    }
    task
    askedAt
    arrivedAt
    doneAt
    result
  }
  requests {
    id
    kind
    amount
    unit
    reason
    askedAt
    askedByName
    decision
    decidedAt
    decidedByName
  }
  matter {
    id
    name
    nameEn
    majorName
    kind
  }
  homeArea {
    id
    code
    name
    approximate
    path {
      id
      level
      code
      name
    }
  }
  receipt {
    id
    at
    ruleCode
    ruleVersion
    capacity
    accuracyM
    candidates
    owners
    why {
      code
      zh
      en
    }
    department {
      id
      name
      nameEn
    }
  }
  reports {
    id
    source
    description
    occurredAt
    receivedAt
    accuracyM
    datum
    mediaUrl
    publicText
    photos {
      id
      width
      height
      url
      takenAt
    }
  }
  alerts {
    id
    kind
    firstAt
    lastAt
    detectionCount
    confidence
  }
  transitions {
    id
    at
    verb
    fromState
    toState
    actorName
    reason
    department {
      id
      name
      nameEn
    }
  }
  allowedVerbs {
    verb
    name {
      zh
      en
    }
    needs
  }
}
    fragment CasePin on Case {
  id
  number
  origin
  state
  title
  lon
  lat
  openedAt
  dueAt
  overdue
  closedAt
  updatedAt
  revision
  phase
  dueBasis
  dueProvisional
  late
  level
  supervisedAt
  pendingRequest
  claimedBy {
    userId
    byName
    until
  }
  homeArea {
    id
    code
    name
  }
  department {
    id
    name
    nameEn
  }
}`, {"fragmentName":"CaseDetail"}) as unknown as TypedDocumentString<CaseDetailFragment, unknown>;
export const TwinFieldsFragmentDoc = new TypedDocumentString(`
    fragment TwinFields on Case {
  id
  number
  title
  state
  openedAt
  lon
  lat
  homeArea {
    id
    name
  }
  department {
    id
    name
    nameEn
  }
  reports {
    id
    description
    receivedAt
    source
    photos {
      id
      width
      height
      url
      takenAt
    }
  }
}
    `, {"fragmentName":"TwinFields"}) as unknown as TypedDocumentString<TwinFieldsFragment, unknown>;
export const BulkJobFieldsFragmentDoc = new TypedDocumentString(`
    fragment BulkJobFields on BulkJob {
  id
  state
  total
  done
  failed
  canUndo
  undoOf
}
    `, {"fragmentName":"BulkJobFields"}) as unknown as TypedDocumentString<BulkJobFieldsFragment, unknown>;
export const HandoverFieldsFragmentDoc = new TypedDocumentString(`
    fragment HandoverFields on ShiftHandover {
  id
  at
  fromName
  toName
  text
  counts {
    open
    overdue
    watched
    unowned
  }
  watchedCases {
    id
    number
    title
  }
  acknowledgedByName
  acknowledgedAt
}
    `, {"fragmentName":"HandoverFields"}) as unknown as TypedDocumentString<HandoverFieldsFragment, unknown>;
export const MeFieldsFragmentDoc = new TypedDocumentString(`
    fragment MeFields on Me {
  id
  username
  displayName
  department {
    id
    name
    nameEn
  }
  roles {
    role
    name {
      zh
      en
    }
    areaName
    departmentName
  }
  permissions
  homeBbox
}
    `, {"fragmentName":"MeFields"}) as unknown as TypedDocumentString<MeFieldsFragment, unknown>;
export const SessionFieldsFragmentDoc = new TypedDocumentString(`
    fragment SessionFields on Session {
  accessToken
  refreshToken
  expiresAt
  me {
    ...MeFields
  }
}
    fragment MeFields on Me {
  id
  username
  displayName
  department {
    id
    name
    nameEn
  }
  roles {
    role
    name {
      zh
      en
    }
    areaName
    departmentName
  }
  permissions
  homeBbox
}`, {"fragmentName":"SessionFields"}) as unknown as TypedDocumentString<SessionFieldsFragment, unknown>;
export const TrackedFragmentDoc = new TypedDocumentString(`
    fragment Tracked on TrackedReport {
  number
  mergedInto
  state
  stateName {
    zh
    en
  }
  title
  areaName
  departmentName
  openedAt
  dueAt
  closedAt
  withdrawn
  canAnswer
  canRate
  rateUntil
  satisfaction
  canReopenUntil
  canWithdraw
  messages {
    id
    at
    kind
    text
    textEn
  }
  photos {
    id
    own
    width
    height
    url
  }
  steps {
    at
    verb
    name {
      zh
      en
    }
  }
}
    `, {"fragmentName":"Tracked"}) as unknown as TypedDocumentString<TrackedFragment, unknown>;
export const WorkCaseFragmentDoc = new TypedDocumentString(`
    fragment WorkCase on Case {
  id
  number
  state
  stateName {
    zh
    en
  }
  stage
  revision
  title
  origin
  lon
  lat
  openedAt
  dueAt
  phase
  dueProvisional
  overdue
  closedAt
  late
  level
  supervisedAt
  pendingRequest
  homeArea {
    name
    code
  }
  department {
    id
    name
  }
  allowedVerbs {
    verb
    name {
      zh
      en
    }
    needs
  }
  reports {
    id
    source
    description
    occurredAt
    accuracyM
    photos {
      id
      url
      width
      height
      takenAt
    }
  }
  parts {
    id
    department {
      id
      name
    }
    task
    doneAt
  }
}
    `, {"fragmentName":"WorkCase"}) as unknown as TypedDocumentString<WorkCaseFragment, unknown>;
export const SnapshotDocument = new TypedDocumentString(`
    query Snapshot($filter: CaseFilter, $first: Int!, $after: String) {
  livePosition
  cases(filter: $filter, first: $first, after: $after) {
    nodes {
      ...CasePin
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    fragment CasePin on Case {
  id
  number
  origin
  state
  title
  lon
  lat
  openedAt
  dueAt
  overdue
  closedAt
  updatedAt
  revision
  phase
  dueBasis
  dueProvisional
  late
  level
  supervisedAt
  pendingRequest
  claimedBy {
    userId
    byName
    until
  }
  homeArea {
    id
    code
    name
  }
  department {
    id
    name
    nameEn
  }
}`) as unknown as TypedDocumentString<SnapshotQuery, SnapshotQueryVariables>;
export const CaseListDocument = new TypedDocumentString(`
    query CaseList($filter: CaseFilter, $first: Int!, $after: String, $order: CaseOrder!) {
  cases(filter: $filter, first: $first, after: $after, order: $order) {
    nodes {
      ...CasePin
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    fragment CasePin on Case {
  id
  number
  origin
  state
  title
  lon
  lat
  openedAt
  dueAt
  overdue
  closedAt
  updatedAt
  revision
  phase
  dueBasis
  dueProvisional
  late
  level
  supervisedAt
  pendingRequest
  claimedBy {
    userId
    byName
    until
  }
  homeArea {
    id
    code
    name
  }
  department {
    id
    name
    nameEn
  }
}`) as unknown as TypedDocumentString<CaseListQuery, CaseListQueryVariables>;
export const CaseCountsDocument = new TypedDocumentString(`
    query CaseCounts($open: CaseFilter!, $supervised: CaseFilter!, $request: CaseFilter!) {
  open: caseCounts(filter: $open) {
    open
    overdue
    unowned
    byState {
      state
      count
    }
  }
  supervised: caseCounts(filter: $supervised) {
    open
  }
  request: caseCounts(filter: $request) {
    open
  }
}
    `) as unknown as TypedDocumentString<CaseCountsQuery, CaseCountsQueryVariables>;
export const CaseByIdDocument = new TypedDocumentString(`
    query CaseById($id: ID!) {
  case(id: $id) {
    ...CaseDetail
  }
}
    fragment CasePin on Case {
  id
  number
  origin
  state
  title
  lon
  lat
  openedAt
  dueAt
  overdue
  closedAt
  updatedAt
  revision
  phase
  dueBasis
  dueProvisional
  late
  level
  supervisedAt
  pendingRequest
  claimedBy {
    userId
    byName
    until
  }
  homeArea {
    id
    code
    name
  }
  department {
    id
    name
    nameEn
  }
}
fragment CaseDetail on Case {
  ...CasePin
  stateName {
    zh
    en
  }
  filedAt
  dispatchedAt
  acceptedAt
  handledAt
  verifiedAt
  firstReplyAt
  handleDueAt
  lateAt
  bounces
  reworks
  reopens
  extensions
  wantsRating
  rateUntil
  satisfaction
  proposedDepartment {
    id
    name
    nameEn
  }
  aboutDepartment {
    id
    name
    nameEn
  }
  suggestedAbout {
    id
    name
    nameEn
  }
  mergedInto {
    id
    number
    state
  }
  mergedCases {
    id
    number
    state
  }
  splitFrom {
    id
    number
    state
  }
  parts {
    id
    department {
      id
      name
      nameEn
    }
    task
    askedAt
    arrivedAt
    doneAt
    result
  }
  requests {
    id
    kind
    amount
    unit
    reason
    askedAt
    askedByName
    decision
    decidedAt
    decidedByName
  }
  matter {
    id
    name
    nameEn
    majorName
    kind
  }
  homeArea {
    id
    code
    name
    approximate
    path {
      id
      level
      code
      name
    }
  }
  receipt {
    id
    at
    ruleCode
    ruleVersion
    capacity
    accuracyM
    candidates
    owners
    why {
      code
      zh
      en
    }
    department {
      id
      name
      nameEn
    }
  }
  reports {
    id
    source
    description
    occurredAt
    receivedAt
    accuracyM
    datum
    mediaUrl
    publicText
    photos {
      id
      width
      height
      url
      takenAt
    }
  }
  alerts {
    id
    kind
    firstAt
    lastAt
    detectionCount
    confidence
  }
  transitions {
    id
    at
    verb
    fromState
    toState
    actorName
    reason
    department {
      id
      name
      nameEn
    }
  }
  allowedVerbs {
    verb
    name {
      zh
      en
    }
    needs
  }
}`) as unknown as TypedDocumentString<CaseByIdQuery, CaseByIdQueryVariables>;
export const StepCaseDocument = new TypedDocumentString(`
    mutation StepCase($input: StepCaseInput!) {
  stepCase(input: $input) {
    ...CaseDetail
  }
}
    fragment CasePin on Case {
  id
  number
  origin
  state
  title
  lon
  lat
  openedAt
  dueAt
  overdue
  closedAt
  updatedAt
  revision
  phase
  dueBasis
  dueProvisional
  late
  level
  supervisedAt
  pendingRequest
  claimedBy {
    userId
    byName
    until
  }
  homeArea {
    id
    code
    name
  }
  department {
    id
    name
    nameEn
  }
}
fragment CaseDetail on Case {
  ...CasePin
  stateName {
    zh
    en
  }
  filedAt
  dispatchedAt
  acceptedAt
  handledAt
  verifiedAt
  firstReplyAt
  handleDueAt
  lateAt
  bounces
  reworks
  reopens
  extensions
  wantsRating
  rateUntil
  satisfaction
  proposedDepartment {
    id
    name
    nameEn
  }
  aboutDepartment {
    id
    name
    nameEn
  }
  suggestedAbout {
    id
    name
    nameEn
  }
  mergedInto {
    id
    number
    state
  }
  mergedCases {
    id
    number
    state
  }
  splitFrom {
    id
    number
    state
  }
  parts {
    id
    department {
      id
      name
      nameEn
    }
    task
    askedAt
    arrivedAt
    doneAt
    result
  }
  requests {
    id
    kind
    amount
    unit
    reason
    askedAt
    askedByName
    decision
    decidedAt
    decidedByName
  }
  matter {
    id
    name
    nameEn
    majorName
    kind
  }
  homeArea {
    id
    code
    name
    approximate
    path {
      id
      level
      code
      name
    }
  }
  receipt {
    id
    at
    ruleCode
    ruleVersion
    capacity
    accuracyM
    candidates
    owners
    why {
      code
      zh
      en
    }
    department {
      id
      name
      nameEn
    }
  }
  reports {
    id
    source
    description
    occurredAt
    receivedAt
    accuracyM
    datum
    mediaUrl
    publicText
    photos {
      id
      width
      height
      url
      takenAt
    }
  }
  alerts {
    id
    kind
    firstAt
    lastAt
    detectionCount
    confidence
  }
  transitions {
    id
    at
    verb
    fromState
    toState
    actorName
    reason
    department {
      id
      name
      nameEn
    }
  }
  allowedVerbs {
    verb
    name {
      zh
      en
    }
    needs
  }
}`) as unknown as TypedDocumentString<StepCaseMutation, StepCaseMutationVariables>;
export const LiveDocument = new TypedDocumentString(`
    subscription Live($after: BigInt) {
  live(after: $after) {
    position
    kind
    eventKind
    at
    caseId
    case {
      ...CasePin
    }
  }
}
    fragment CasePin on Case {
  id
  number
  origin
  state
  title
  lon
  lat
  openedAt
  dueAt
  overdue
  closedAt
  updatedAt
  revision
  phase
  dueBasis
  dueProvisional
  late
  level
  supervisedAt
  pendingRequest
  claimedBy {
    userId
    byName
    until
  }
  homeArea {
    id
    code
    name
  }
  department {
    id
    name
    nameEn
  }
}`) as unknown as TypedDocumentString<LiveSubscription, LiveSubscriptionVariables>;
export const CityDocument = new TypedDocumentString(`
    query City {
  city {
    name
    nameEn
    bbox
    center
    demo
    attribution
    layers {
      code
      name
      nameEn
      promise
      version
      count
    }
    basemaps {
      id
      name
      kind
      url
      datum
      attribution
      maxZoom
    }
  }
}
    `) as unknown as TypedDocumentString<CityQuery, CityQueryVariables>;
export const DepartmentsDocument = new TypedDocumentString(`
    query Departments {
  departments {
    id
    code
    name
    nameEn
    kind
  }
}
    `) as unknown as TypedDocumentString<DepartmentsQuery, DepartmentsQueryVariables>;
export const MattersDocument = new TypedDocumentString(`
    query Matters {
  matters {
    id
    kind
    major
    majorName
    minor
    name
    nameEn
  }
}
    `) as unknown as TypedDocumentString<MattersQuery, MattersQueryVariables>;
export const SearchPlacesDocument = new TypedDocumentString(`
    query SearchPlaces($text: String!) {
  searchPlaces(text: $text, first: 10) {
    id
    kind
    name
    detail
    lon
    lat
    precisionM
    confidence
    areaId
    bbox
  }
}
    `) as unknown as TypedDocumentString<SearchPlacesQuery, SearchPlacesQueryVariables>;
export const LocateDocument = new TypedDocumentString(`
    query Locate($position: PositionInput!) {
  locate(position: $position) {
    position
    owners {
      layer
      layerName
      areaId
      code
      name
    }
    department {
      id
      name
      nameEn
    }
    nearBorder
    candidates {
      areaId
      code
      name
      distanceM
      share
    }
  }
}
    `) as unknown as TypedDocumentString<LocateQuery, LocateQueryVariables>;
export const CaseTalkDocument = new TypedDocumentString(`
    query CaseTalk($id: ID!) {
  case(id: $id) {
    id
    messages {
      id
      kind
      text
      textEn
      at
      authorName
    }
    ratings {
      id
      satisfaction
      words
      at
      round
    }
  }
}
    `) as unknown as TypedDocumentString<CaseTalkQuery, CaseTalkQueryVariables>;
export const CaseWorkDocument = new TypedDocumentString(`
    query CaseWork($id: ID!) {
  case(id: $id) {
    id
    visits {
      id
      at
      occurredAt
      verdict
      distanceM
      userName
    }
    notes {
      id
      kind
      text
      at
      occurredAt
      authorName
      photos {
        id
        width
        height
        url
        takenAt
        role
        releasedAt
      }
    }
  }
}
    `) as unknown as TypedDocumentString<CaseWorkQuery, CaseWorkQueryVariables>;
export const CaseToldDocument = new TypedDocumentString(`
    query CaseTold($id: ID!) {
  case(id: $id) {
    id
    deliveries {
      id
      channelName {
        zh
        en
      }
      to
      toReporter
      departmentName
      state
      stateName {
        zh
        en
      }
      rungName {
        zh
        en
      }
      createdAt
      sentAt
      readAt
      readByName
      lastError
    }
  }
}
    `) as unknown as TypedDocumentString<CaseToldQuery, CaseToldQueryVariables>;
export const CaseTwinsDocument = new TypedDocumentString(`
    query CaseTwins($id: ID!) {
  case(id: $id) {
    id
    duplicates {
      case {
        id
        number
        state
      }
      score
      sure
      distanceM
      apartS
      wordsShare
      sameMatter
    }
    links {
      id
      kind
      at
      actorName
      score
      undoneAt
      other {
        id
        number
        state
      }
    }
  }
}
    `) as unknown as TypedDocumentString<CaseTwinsQuery, CaseTwinsQueryVariables>;
export const CaseMattersDocument = new TypedDocumentString(`
    query CaseMatters($id: ID!) {
  case(id: $id) {
    id
    suggestedMatters {
      matter {
        id
        name
        nameEn
      }
      score
      words
    }
  }
}
    `) as unknown as TypedDocumentString<CaseMattersQuery, CaseMattersQueryVariables>;
export const TwinByIdDocument = new TypedDocumentString(`
    query TwinById($id: ID!) {
  case(id: $id) {
    ...TwinFields
  }
}
    fragment TwinFields on Case {
  id
  number
  title
  state
  openedAt
  lon
  lat
  homeArea {
    id
    name
  }
  department {
    id
    name
    nameEn
  }
  reports {
    id
    description
    receivedAt
    source
    photos {
      id
      width
      height
      url
      takenAt
    }
  }
}`) as unknown as TypedDocumentString<TwinByIdQuery, TwinByIdQueryVariables>;
export const ReplyTemplatesDocument = new TypedDocumentString(`
    query ReplyTemplates {
  replyTemplates {
    code
    kind
    name
    textZh
    textEn
    enabled
  }
}
    `) as unknown as TypedDocumentString<ReplyTemplatesQuery, ReplyTemplatesQueryVariables>;
export const AskReporterDocument = new TypedDocumentString(`
    mutation AskReporter($input: ReporterMessageInput!) {
  askReporter(input: $input) {
    id
    revision
  }
}
    `) as unknown as TypedDocumentString<AskReporterMutation, AskReporterMutationVariables>;
export const ReplyToReporterDocument = new TypedDocumentString(`
    mutation ReplyToReporter($input: ReporterMessageInput!) {
  replyToReporter(input: $input) {
    id
    revision
  }
}
    `) as unknown as TypedDocumentString<ReplyToReporterMutation, ReplyToReporterMutationVariables>;
export const ReleasePhotosDocument = new TypedDocumentString(`
    mutation ReleasePhotos($caseId: ID!, $photoIds: [ID!]!, $released: Boolean!) {
  releasePhotos(caseId: $caseId, photoIds: $photoIds, released: $released) {
    id
    revision
  }
}
    `) as unknown as TypedDocumentString<ReleasePhotosMutation, ReleasePhotosMutationVariables>;
export const ModerateReportDocument = new TypedDocumentString(`
    mutation ModerateReport($reportId: ID!, $publicText: String) {
  moderateReport(reportId: $reportId, publicText: $publicText) {
    id
    publicText
  }
}
    `) as unknown as TypedDocumentString<ModerateReportMutation, ModerateReportMutationVariables>;
export const SuggestMattersDocument = new TypedDocumentString(`
    query SuggestMatters($text: String!, $position: PositionInput) {
  suggestMatters(text: $text, position: $position) {
    matter {
      id
      name
      nameEn
    }
    score
    words
  }
}
    `) as unknown as TypedDocumentString<SuggestMattersQuery, SuggestMattersQueryVariables>;
export const CaseTimesDocument = new TypedDocumentString(`
    query CaseTimes($id: ID!) {
  case(id: $id) {
    id
    clock {
      seq
      at
      kind
      phase
      amount
      unit
      calendarVersion
      dueAt
      provisional
      actorName
      reason
    }
    escalations {
      id
      level
      levelName {
        zh
        en
      }
      phase
      dueAt
      at
      department {
        id
        name
        nameEn
      }
      explanation
      explainedAt
      explainedByName
    }
  }
}
    `) as unknown as TypedDocumentString<CaseTimesQuery, CaseTimesQueryVariables>;
export const FileCallDocument = new TypedDocumentString(`
    mutation FileCall($input: SubmitReportInput!) {
  submitReport(input: $input) {
    caseId
    number
    trackingCode
    repeated
    areaName
    departmentName
    why {
      code
      zh
      en
    }
  }
}
    `) as unknown as TypedDocumentString<FileCallMutation, FileCallMutationVariables>;
export const MediaViewsDocument = new TypedDocumentString(`
    query MediaViews($caseId: ID!) {
  mediaViews(caseId: $caseId, first: 50) {
    id
    at
    userName
    byReporter
  }
}
    `) as unknown as TypedDocumentString<MediaViewsQuery, MediaViewsQueryVariables>;
export const CaseRankingDocument = new TypedDocumentString(`
    query CaseRanking($id: ID!) {
  case(id: $id) {
    id
    ranking {
      department {
        id
        name
        nameEn
        kind
      }
      score
      load
      overdue
      onDuty
      onCall
      why {
        code
        zh
        en
      }
    }
  }
}
    `) as unknown as TypedDocumentString<CaseRankingQuery, CaseRankingQueryVariables>;
export const ClaimCaseDocument = new TypedDocumentString(`
    mutation ClaimCase($caseId: ID!) {
  claimCase(caseId: $caseId) {
    userId
    byName
    until
  }
}
    `) as unknown as TypedDocumentString<ClaimCaseMutation, ClaimCaseMutationVariables>;
export const ReleaseCaseDocument = new TypedDocumentString(`
    mutation ReleaseCase($caseId: ID!) {
  releaseCase(caseId: $caseId)
}
    `) as unknown as TypedDocumentString<ReleaseCaseMutation, ReleaseCaseMutationVariables>;
export const BulkStepDocument = new TypedDocumentString(`
    mutation BulkStep($input: BulkStepInput!) {
  bulkStep(input: $input) {
    ...BulkJobFields
  }
}
    fragment BulkJobFields on BulkJob {
  id
  state
  total
  done
  failed
  canUndo
  undoOf
}`) as unknown as TypedDocumentString<BulkStepMutation, BulkStepMutationVariables>;
export const UndoBulkDocument = new TypedDocumentString(`
    mutation UndoBulk($jobId: ID!) {
  undoBulk(jobId: $jobId) {
    ...BulkJobFields
  }
}
    fragment BulkJobFields on BulkJob {
  id
  state
  total
  done
  failed
  canUndo
  undoOf
}`) as unknown as TypedDocumentString<UndoBulkMutation, UndoBulkMutationVariables>;
export const BulkJobDocument = new TypedDocumentString(`
    query BulkJob($id: ID!) {
  bulkJob(id: $id) {
    ...BulkJobFields
  }
}
    fragment BulkJobFields on BulkJob {
  id
  state
  total
  done
  failed
  canUndo
  undoOf
}`) as unknown as TypedDocumentString<BulkJobQuery, BulkJobQueryVariables>;
export const BulkResultsDocument = new TypedDocumentString(`
    query BulkResults($id: ID!) {
  bulkJob(id: $id) {
    id
    results {
      caseId
      number
      ok
      errorZh
      errorEn
    }
  }
}
    `) as unknown as TypedDocumentString<BulkResultsQuery, BulkResultsQueryVariables>;
export const HandoversDocument = new TypedDocumentString(`
    query Handovers($first: Int!) {
  handovers(first: $first) {
    ...HandoverFields
  }
}
    fragment HandoverFields on ShiftHandover {
  id
  at
  fromName
  toName
  text
  counts {
    open
    overdue
    watched
    unowned
  }
  watchedCases {
    id
    number
    title
  }
  acknowledgedByName
  acknowledgedAt
}`) as unknown as TypedDocumentString<HandoversQuery, HandoversQueryVariables>;
export const StartHandoverDocument = new TypedDocumentString(`
    mutation StartHandover($input: StartHandoverInput!) {
  startHandover(input: $input) {
    ...HandoverFields
  }
}
    fragment HandoverFields on ShiftHandover {
  id
  at
  fromName
  toName
  text
  counts {
    open
    overdue
    watched
    unowned
  }
  watchedCases {
    id
    number
    title
  }
  acknowledgedByName
  acknowledgedAt
}`) as unknown as TypedDocumentString<StartHandoverMutation, StartHandoverMutationVariables>;
export const AcknowledgeHandoverDocument = new TypedDocumentString(`
    mutation AcknowledgeHandover($id: ID!) {
  acknowledgeHandover(id: $id) {
    ...HandoverFields
  }
}
    fragment HandoverFields on ShiftHandover {
  id
  at
  fromName
  toName
  text
  counts {
    open
    overdue
    watched
    unowned
  }
  watchedCases {
    id
    number
    title
  }
  acknowledgedByName
  acknowledgedAt
}`) as unknown as TypedDocumentString<AcknowledgeHandoverMutation, AcknowledgeHandoverMutationVariables>;
export const FiguresDocument = new TypedDocumentString(`
    query Figures($input: FiguresInput!, $day: Date!) {
  figures(input: $input) {
    key
    name {
      zh
      en
    }
    values {
      code
      version
      unit
      value
      numerator
      denominator
    }
  }
  figureDefinitions(day: $day) {
    code
    version
    name {
      zh
      en
    }
    statistic
    unit
    numerator
    denominator
    filter
    basis
  }
}
    `) as unknown as TypedDocumentString<FiguresQuery, FiguresQueryVariables>;
export const FigureCasesDocument = new TypedDocumentString(`
    query FigureCases($input: FiguresInput!, $code: String!, $part: String!, $key: String!, $after: String) {
  figureCases(
    input: $input
    code: $code
    part: $part
    key: $key
    first: 50
    after: $after
  ) {
    nodes {
      id
      number
      title
      state
      stateName {
        zh
        en
      }
      openedAt
      homeArea {
        name
      }
      late
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    `) as unknown as TypedDocumentString<FigureCasesQuery, FigureCasesQueryVariables>;
export const SignInDocument = new TypedDocumentString(`
    mutation SignIn($username: String!, $password: String!) {
  signIn(username: $username, password: $password) {
    ...SessionFields
  }
}
    fragment MeFields on Me {
  id
  username
  displayName
  department {
    id
    name
    nameEn
  }
  roles {
    role
    name {
      zh
      en
    }
    areaName
    departmentName
  }
  permissions
  homeBbox
}
fragment SessionFields on Session {
  accessToken
  refreshToken
  expiresAt
  me {
    ...MeFields
  }
}`) as unknown as TypedDocumentString<SignInMutation, SignInMutationVariables>;
export const RefreshSessionDocument = new TypedDocumentString(`
    mutation RefreshSession($refreshToken: String!) {
  refreshSession(refreshToken: $refreshToken) {
    ...SessionFields
  }
}
    fragment MeFields on Me {
  id
  username
  displayName
  department {
    id
    name
    nameEn
  }
  roles {
    role
    name {
      zh
      en
    }
    areaName
    departmentName
  }
  permissions
  homeBbox
}
fragment SessionFields on Session {
  accessToken
  refreshToken
  expiresAt
  me {
    ...MeFields
  }
}`) as unknown as TypedDocumentString<RefreshSessionMutation, RefreshSessionMutationVariables>;
export const SignOutDocument = new TypedDocumentString(`
    mutation SignOut($refreshToken: String!) {
  signOut(refreshToken: $refreshToken)
}
    `) as unknown as TypedDocumentString<SignOutMutation, SignOutMutationVariables>;
export const SubmitReportDocument = new TypedDocumentString(`
    mutation SubmitReport($input: SubmitReportInput!) {
  submitReport(input: $input) {
    reportId
    number
    trackingCode
    repeated
    joined
    areaName
    areaCode
    departmentName
    dueAt
    why {
      code
      zh
      en
    }
  }
}
    `) as unknown as TypedDocumentString<SubmitReportMutation, SubmitReportMutationVariables>;
export const TrackReportDocument = new TypedDocumentString(`
    query TrackReport($code: String!) {
  trackReport(code: $code) {
    ...Tracked
  }
}
    fragment Tracked on TrackedReport {
  number
  mergedInto
  state
  stateName {
    zh
    en
  }
  title
  areaName
  departmentName
  openedAt
  dueAt
  closedAt
  withdrawn
  canAnswer
  canRate
  rateUntil
  satisfaction
  canReopenUntil
  canWithdraw
  messages {
    id
    at
    kind
    text
    textEn
  }
  photos {
    id
    own
    width
    height
    url
  }
  steps {
    at
    verb
    name {
      zh
      en
    }
  }
}`) as unknown as TypedDocumentString<TrackReportQuery, TrackReportQueryVariables>;
export const AnswerQuestionDocument = new TypedDocumentString(`
    mutation AnswerQuestion($code: String!, $text: String!, $submissionId: ID!) {
  answerQuestion(code: $code, text: $text, submissionId: $submissionId) {
    ...Tracked
  }
}
    fragment Tracked on TrackedReport {
  number
  mergedInto
  state
  stateName {
    zh
    en
  }
  title
  areaName
  departmentName
  openedAt
  dueAt
  closedAt
  withdrawn
  canAnswer
  canRate
  rateUntil
  satisfaction
  canReopenUntil
  canWithdraw
  messages {
    id
    at
    kind
    text
    textEn
  }
  photos {
    id
    own
    width
    height
    url
  }
  steps {
    at
    verb
    name {
      zh
      en
    }
  }
}`) as unknown as TypedDocumentString<AnswerQuestionMutation, AnswerQuestionMutationVariables>;
export const RateCaseDocument = new TypedDocumentString(`
    mutation RateCase($code: String!, $satisfaction: String!, $words: String, $submissionId: ID!) {
  rateCase(
    code: $code
    satisfaction: $satisfaction
    words: $words
    submissionId: $submissionId
  ) {
    ...Tracked
  }
}
    fragment Tracked on TrackedReport {
  number
  mergedInto
  state
  stateName {
    zh
    en
  }
  title
  areaName
  departmentName
  openedAt
  dueAt
  closedAt
  withdrawn
  canAnswer
  canRate
  rateUntil
  satisfaction
  canReopenUntil
  canWithdraw
  messages {
    id
    at
    kind
    text
    textEn
  }
  photos {
    id
    own
    width
    height
    url
  }
  steps {
    at
    verb
    name {
      zh
      en
    }
  }
}`) as unknown as TypedDocumentString<RateCaseMutation, RateCaseMutationVariables>;
export const ReopenReportDocument = new TypedDocumentString(`
    mutation ReopenReport($code: String!, $reason: String!, $submissionId: ID!) {
  reopenReport(code: $code, reason: $reason, submissionId: $submissionId) {
    ...Tracked
  }
}
    fragment Tracked on TrackedReport {
  number
  mergedInto
  state
  stateName {
    zh
    en
  }
  title
  areaName
  departmentName
  openedAt
  dueAt
  closedAt
  withdrawn
  canAnswer
  canRate
  rateUntil
  satisfaction
  canReopenUntil
  canWithdraw
  messages {
    id
    at
    kind
    text
    textEn
  }
  photos {
    id
    own
    width
    height
    url
  }
  steps {
    at
    verb
    name {
      zh
      en
    }
  }
}`) as unknown as TypedDocumentString<ReopenReportMutation, ReopenReportMutationVariables>;
export const WithdrawReportDocument = new TypedDocumentString(`
    mutation WithdrawReport($code: String!, $reason: String!, $submissionId: ID!) {
  withdrawReport(code: $code, reason: $reason, submissionId: $submissionId) {
    ...Tracked
  }
}
    fragment Tracked on TrackedReport {
  number
  mergedInto
  state
  stateName {
    zh
    en
  }
  title
  areaName
  departmentName
  openedAt
  dueAt
  closedAt
  withdrawn
  canAnswer
  canRate
  rateUntil
  satisfaction
  canReopenUntil
  canWithdraw
  messages {
    id
    at
    kind
    text
    textEn
  }
  photos {
    id
    own
    width
    height
    url
  }
  steps {
    at
    verb
    name {
      zh
      en
    }
  }
}`) as unknown as TypedDocumentString<WithdrawReportMutation, WithdrawReportMutationVariables>;
export const SimilarReportsDocument = new TypedDocumentString(`
    query SimilarReports($input: SimilarReportsInput!) {
  similarReports(input: $input) {
    number
    matterName
    state
    stateName {
      zh
      en
    }
    hoursAgo
    withinM
  }
}
    `) as unknown as TypedDocumentString<SimilarReportsQuery, SimilarReportsQueryVariables>;
export const MarkReadDocument = new TypedDocumentString(`
    mutation MarkRead($id: ID!) {
  markRead(deliveryId: $id)
}
    `) as unknown as TypedDocumentString<MarkReadMutation, MarkReadMutationVariables>;
export const PushKeyDocument = new TypedDocumentString(`
    query PushKey {
  vapidKey
}
    `) as unknown as TypedDocumentString<PushKeyQuery, PushKeyQueryVariables>;
export const SubscribePushDocument = new TypedDocumentString(`
    mutation SubscribePush($input: SubscribePushInput!) {
  subscribePush(input: $input)
}
    `) as unknown as TypedDocumentString<SubscribePushMutation, SubscribePushMutationVariables>;
export const UnsubscribePushDocument = new TypedDocumentString(`
    mutation UnsubscribePush($url: String!) {
  unsubscribePush(url: $url)
}
    `) as unknown as TypedDocumentString<UnsubscribePushMutation, UnsubscribePushMutationVariables>;
export const MyWorkDocument = new TypedDocumentString(`
    query MyWork($position: PositionInput) {
  myCases(position: $position, first: 100) {
    ...WorkCase
  }
}
    fragment WorkCase on Case {
  id
  number
  state
  stateName {
    zh
    en
  }
  stage
  revision
  title
  origin
  lon
  lat
  openedAt
  dueAt
  phase
  dueProvisional
  overdue
  closedAt
  late
  level
  supervisedAt
  pendingRequest
  homeArea {
    name
    code
  }
  department {
    id
    name
  }
  allowedVerbs {
    verb
    name {
      zh
      en
    }
    needs
  }
  reports {
    id
    source
    description
    occurredAt
    accuracyM
    photos {
      id
      url
      width
      height
      takenAt
    }
  }
  parts {
    id
    department {
      id
      name
    }
    task
    doneAt
  }
}`) as unknown as TypedDocumentString<MyWorkQuery, MyWorkQueryVariables>;
export const HandInDocument = new TypedDocumentString(`
    mutation HandIn($input: [FieldActionInput!]!) {
  fieldActions(input: $input) {
    id
    status
    retry
    error {
      code
      zh
      en
      field
    }
    warning {
      code
      zh
      en
      field
    }
    revision
    state
    stage
  }
}
    `) as unknown as TypedDocumentString<HandInMutation, HandInMutationVariables>;