/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** Which cases; conditions given together all hold. */
export type CaseFilter = {
  /** In this area's subtree. */
  areaId?: string | null | undefined;
  /** West, south, east, north in degrees. */
  bbox?: Array<number> | null | undefined;
  /** With this department. */
  departmentId?: string | null | undefined;
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
  /** Any of these states. */
  states?: Array<string> | null | undefined;
  /** Begin of the number, or part of the title. */
  text?: string | null | undefined;
  /** With no department, or (false) with one. */
  unowned?: boolean | null | undefined;
};

/** The coordinate system a position is given in: GPS and browsers give WGS84; CGCS2000 differs by decimetres; GCJ02 is that of Chinese web maps; BD09 is Baidu's. Only WGS 84 is ever given out. */
export type Datum =
  | 'BD09'
  | 'CGCS2000'
  | 'GCJ02'
  | 'WGS84';

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

/** One step of a case. */
export type StepCaseInput = {
  /** The case. */
  caseId: string;
  /** To whom, where the step needs it. */
  departmentId?: string | null | undefined;
  /** Why, where the step needs it. */
  reason?: string | null | undefined;
  /** Revision the caller looked at; a case changed since is a conflict. */
  revision: number;
  /** The step, one of the case's allowedVerbs. */
  verb: string;
};

/** A report, complete or a retry of one with the same submissionId. */
export type SubmitReportInput = {
  /** How to address the reporter; optional. */
  contactName?: string | null | undefined;
  /** How to reach the reporter; optional. */
  contactPhone?: string | null | undefined;
  /** What is wrong, 1 to 2000 characters. */
  description: string;
  /** What kind of matter; leave out when unsure. */
  matterId?: string | null | undefined;
  /** When, by the sender's clock. */
  occurredAt: string;
  /** Claims that POST /uploads gave, at most 6. */
  photoClaims?: Array<string> | null | undefined;
  /** Where. */
  position: PositionInput;
  /** `citizen` (default); `hotline` and `staff` need report.staff. */
  source?: string | null | undefined;
  /** A UUID made by the sender; a retry carries the same one and is the same report. */
  submissionId: string;
};

export type CasePinFragment = { id: string, number: string, origin: string, state: string, title: string, lon: number, lat: number, openedAt: string, dueAt: string | null, overdue: boolean, closedAt: string | null, updatedAt: string, revision: number, homeArea: { id: string, code: string, name: string } | null, department: { id: string, name: string, nameEn: string | null } | null };

export type CaseDetailFragment = { dueBasis: string | null, id: string, number: string, origin: string, state: string, title: string, lon: number, lat: number, openedAt: string, dueAt: string | null, overdue: boolean, closedAt: string | null, updatedAt: string, revision: number, stateName: { zh: string, en: string }, matter: { id: string, name: string, nameEn: string | null, majorName: string, kind: string } | null, homeArea: { id: string, code: string, name: string, approximate: boolean, path: Array<{ id: string, level: string, code: string, name: string }> } | null, receipt: { id: string, at: string, ruleCode: string, ruleVersion: number, capacity: string | null, accuracyM: number | null, candidates: unknown, owners: unknown, why: Array<{ code: string, zh: string, en: string }>, department: { id: string, name: string, nameEn: string | null } | null }, reports: Array<{ id: string, source: string, description: string, occurredAt: string, receivedAt: string, accuracyM: number | null, datum: string, photos: Array<{ id: string, width: number, height: number, url: string, takenAt: string | null }> }>, alerts: Array<{ id: string, kind: string, firstAt: string, lastAt: string, detectionCount: number, confidence: number }>, transitions: Array<{ id: string, at: string, verb: string, fromState: string | null, toState: string, actorName: string | null, reason: string | null, department: { id: string, name: string, nameEn: string | null } | null }>, allowedVerbs: Array<{ verb: string, needsDepartment: boolean, needsReason: boolean, name: { zh: string, en: string } }>, department: { id: string, name: string, nameEn: string | null } | null };

export type SnapshotQueryVariables = Exact<{
  filter?: CaseFilter | null | undefined;
  first: number;
  after?: string | null | undefined;
}>;


export type SnapshotQuery = { livePosition: number, cases: { nodes: Array<{ id: string, number: string, origin: string, state: string, title: string, lon: number, lat: number, openedAt: string, dueAt: string | null, overdue: boolean, closedAt: string | null, updatedAt: string, revision: number, homeArea: { id: string, code: string, name: string } | null, department: { id: string, name: string, nameEn: string | null } | null }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type CaseListQueryVariables = Exact<{
  filter?: CaseFilter | null | undefined;
  first: number;
  after?: string | null | undefined;
}>;


export type CaseListQuery = { cases: { nodes: Array<{ id: string, number: string, origin: string, state: string, title: string, lon: number, lat: number, openedAt: string, dueAt: string | null, overdue: boolean, closedAt: string | null, updatedAt: string, revision: number, homeArea: { id: string, code: string, name: string } | null, department: { id: string, name: string, nameEn: string | null } | null }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type CaseCountsQueryVariables = Exact<{
  filter?: CaseFilter | null | undefined;
}>;


export type CaseCountsQuery = { caseCounts: { total: number, open: number, overdue: number, unowned: number, byState: Array<{ state: string, count: number }> } };

export type CaseByIdQueryVariables = Exact<{
  id: string;
}>;


export type CaseByIdQuery = { case: { dueBasis: string | null, id: string, number: string, origin: string, state: string, title: string, lon: number, lat: number, openedAt: string, dueAt: string | null, overdue: boolean, closedAt: string | null, updatedAt: string, revision: number, stateName: { zh: string, en: string }, matter: { id: string, name: string, nameEn: string | null, majorName: string, kind: string } | null, homeArea: { id: string, code: string, name: string, approximate: boolean, path: Array<{ id: string, level: string, code: string, name: string }> } | null, receipt: { id: string, at: string, ruleCode: string, ruleVersion: number, capacity: string | null, accuracyM: number | null, candidates: unknown, owners: unknown, why: Array<{ code: string, zh: string, en: string }>, department: { id: string, name: string, nameEn: string | null } | null }, reports: Array<{ id: string, source: string, description: string, occurredAt: string, receivedAt: string, accuracyM: number | null, datum: string, photos: Array<{ id: string, width: number, height: number, url: string, takenAt: string | null }> }>, alerts: Array<{ id: string, kind: string, firstAt: string, lastAt: string, detectionCount: number, confidence: number }>, transitions: Array<{ id: string, at: string, verb: string, fromState: string | null, toState: string, actorName: string | null, reason: string | null, department: { id: string, name: string, nameEn: string | null } | null }>, allowedVerbs: Array<{ verb: string, needsDepartment: boolean, needsReason: boolean, name: { zh: string, en: string } }>, department: { id: string, name: string, nameEn: string | null } | null } | null };

export type StepCaseMutationVariables = Exact<{
  input: StepCaseInput;
}>;


export type StepCaseMutation = { stepCase: { dueBasis: string | null, id: string, number: string, origin: string, state: string, title: string, lon: number, lat: number, openedAt: string, dueAt: string | null, overdue: boolean, closedAt: string | null, updatedAt: string, revision: number, stateName: { zh: string, en: string }, matter: { id: string, name: string, nameEn: string | null, majorName: string, kind: string } | null, homeArea: { id: string, code: string, name: string, approximate: boolean, path: Array<{ id: string, level: string, code: string, name: string }> } | null, receipt: { id: string, at: string, ruleCode: string, ruleVersion: number, capacity: string | null, accuracyM: number | null, candidates: unknown, owners: unknown, why: Array<{ code: string, zh: string, en: string }>, department: { id: string, name: string, nameEn: string | null } | null }, reports: Array<{ id: string, source: string, description: string, occurredAt: string, receivedAt: string, accuracyM: number | null, datum: string, photos: Array<{ id: string, width: number, height: number, url: string, takenAt: string | null }> }>, alerts: Array<{ id: string, kind: string, firstAt: string, lastAt: string, detectionCount: number, confidence: number }>, transitions: Array<{ id: string, at: string, verb: string, fromState: string | null, toState: string, actorName: string | null, reason: string | null, department: { id: string, name: string, nameEn: string | null } | null }>, allowedVerbs: Array<{ verb: string, needsDepartment: boolean, needsReason: boolean, name: { zh: string, en: string } }>, department: { id: string, name: string, nameEn: string | null } | null } };

export type LiveSubscriptionVariables = Exact<{
  after?: number | null | undefined;
}>;


export type LiveSubscription = { live: { position: number, kind: LiveKind, eventKind: string, at: string, caseId: string | null, case: { id: string, number: string, origin: string, state: string, title: string, lon: number, lat: number, openedAt: string, dueAt: string | null, overdue: boolean, closedAt: string | null, updatedAt: string, revision: number, homeArea: { id: string, code: string, name: string } | null, department: { id: string, name: string, nameEn: string | null } | null } | null } };

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


export type SubmitReportMutation = { submitReport: { reportId: string, number: string, trackingCode: string, repeated: boolean, areaName: string | null, areaCode: string | null, departmentName: string | null, dueAt: string | null, why: Array<{ code: string, zh: string, en: string }> } };

export type TrackReportQueryVariables = Exact<{
  code: string;
}>;


export type TrackReportQuery = { trackReport: { number: string, state: string, title: string, areaName: string | null, departmentName: string | null, openedAt: string, dueAt: string | null, closedAt: string | null, stateName: { zh: string, en: string }, steps: Array<{ at: string, verb: string, name: { zh: string, en: string } }> } | null };

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
  dueBasis
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
    needsDepartment
    needsReason
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
    query CaseList($filter: CaseFilter, $first: Int!, $after: String) {
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
    query CaseCounts($filter: CaseFilter) {
  caseCounts(filter: $filter) {
    total
    open
    overdue
    unowned
    byState {
      state
      count
    }
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
  dueBasis
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
    needsDepartment
    needsReason
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
  dueBasis
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
    needsDepartment
    needsReason
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
    number
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
    steps {
      at
      verb
      name {
        zh
        en
      }
    }
  }
}
    `) as unknown as TypedDocumentString<TrackReportQuery, TrackReportQueryVariables>;