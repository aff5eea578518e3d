"""The operations whose replies hold a credential, or that make one: no wildcard opens them, only a scope by name.

A credential is what lets its holder in elsewhere: keys, tokens, passwords, data keys, addresses that sign in. Not
meant are links to a single file, and what a service takes but never shows again (a database's master password).
"""

from __future__ import annotations

import re
from typing import cast

from devmesh.connectors.aws.call import Call
from devmesh.upstream.model import Request

_OF_STS = frozenset({"GetCallerIdentity", "GetAccessKeyInfo", "DecodeAuthorizationMessage"})
_HANDING_OUT = {
    service: frozenset(operations.split())
    for service, operations in {
        "account-access-runtime": "GetRoleCredentials",
        "acm": "ExportCertificate",
        "amplify": (
            "CreateApp CreateBranch DeleteApp DeleteBranch GetApp GetBranch ListApps ListBranches UpdateApp "
            "UpdateBranch"
        ),
        "amplifybackend": "CreateToken GetBackendAuth GetToken",
        "amplifyuibuilder": "ExchangeCodeForToken RefreshToken",
        "apigateway": "CreateApiKey GetApiKey GetApiKeys ImportApiKeys UpdateApiKey",
        "appstream": "CreateStreamingURL CreateImageBuilderStreamingURL",
        "appsync": "CreateApiKey ListApiKeys UpdateApiKey",
        "athena": "CreatePresignedNotebookUrl GetSessionEndpoint",
        "bedrock-agentcore": (
            "GetResourceApiKey GetResourceOauth2Token GetResourcePaymentToken GetWorkloadAccessToken "
            "GetWorkloadAccessTokenForJWT GetWorkloadAccessTokenForUserId"
        ),
        "chime": "CreateBot GetBot ListBots RegenerateSecurityToken UpdateBot",
        "chime-sdk-meetings": (
            "BatchCreateAttendee CreateAttendee CreateMeetingWithAttendees GetAttendee ListAttendees "
            "UpdateAttendeeCapabilities"
        ),
        "cloudhsmv2": "CreateCluster DeleteCluster DescribeClusters ModifyCluster",
        "cloudwatchomni": "GetSpaceCredentialsForOrganization GetSpaceDataAccess",
        "codeartifact": "GetAuthorizationToken",
        "codebuild": "CreateWebhook StartSandboxConnection UpdateWebhook",
        "codecatalyst": "CreateAccessToken StartDevEnvironmentSession",
        "codepipeline": "GetJobDetails GetThirdPartyJobDetails PollForJobs",
        "cognito-identity": "GetCredentialsForIdentity GetOpenIdToken GetOpenIdTokenForDeveloperIdentity",
        "cognito-idp": (
            "AddUserPoolClientSecret AdminInitiateAuth AdminRespondToAuthChallenge AssociateSoftwareToken "
            "CreateUserPoolClient DescribeIdentityProvider DescribeUserPoolClient GetClientToken "
            "GetTokensFromRefreshToken InitiateAuth ListUserPoolClientSecrets RespondToAuthChallenge "
            "UpdateUserPoolClient"
        ),
        "connect": (
            "CreateAuthCode CreateParticipant GetFederationToken StartAssistantContact StartChatContact "
            "StartWebRTCContact"
        ),
        "connecthealth": "GetPatientInsightsJob",
        "connectparticipant": "CreateParticipantConnection",
        "datazone": (
            "CreateConnection GetConnection GetEnvironmentCredentials ListConnections UpdateConnection "
            "GetIamPortalLoginUrl"
        ),
        "deadline": (
            "AssumeFleetRoleForRead AssumeFleetRoleForWorker AssumeQueueRoleForRead AssumeQueueRoleForUser "
            "AssumeQueueRoleForWorker"
        ),
        "devicefarm": "CreateTestGridUrl",
        "devops-agent": "AssociateService UpdateAssociation",
        "directconnect": (
            "AllocatePrivateVirtualInterface AllocatePublicVirtualInterface AllocateTransitVirtualInterface "
            "AssociateVirtualInterface CreateBGPPeer CreatePrivateVirtualInterface CreatePublicVirtualInterface "
            "CreateTransitVirtualInterface DeleteBGPPeer DescribeRouterConfiguration DescribeVirtualInterfaces "
            "UpdateVirtualInterfaceAttributes"
        ),
        "ds": "DescribeDirectories",
        "ec2": (
            "CreateKeyPair CreateVpnConnection DescribeVpnConnections "
            "ExportVerifiedAccessInstanceClientConfiguration GetPasswordData "
            "GetVpnConnectionDeviceSampleConfiguration ModifyVpnConnection ModifyVpnConnectionOptions "
            "ModifyVpnTunnelCertificate ModifyVpnTunnelOptions"
        ),
        "ecr": "GetAuthorizationToken",
        "ecr-public": "GetAuthorizationToken",
        "ecs": "ExecuteCommand",
        "eks": "RegisterCluster",
        "eks-auth": "AssumeRoleForPodIdentity",
        "emr": (
            "GetClusterSessionCredentials GetOnClusterAppUIPresignedURL GetPersistentAppUIPresignedURL "
            "GetSessionEndpoint"
        ),
        "emr-containers": "GetManagedEndpointSessionCredentials",
        "emr-serverless": "GetDashboardForJobRun GetSessionEndpoint",
        "evs": "GetDepotUrl",
        "gamelift": "CreateBuild GetComputeAccess GetComputeAuthToken GetInstanceAccess RequestUploadCredentials",
        "gameliftstreams": "CreateStreamSessionAdminShell",
        "glue": "GetSessionEndpoint",
        "grafana": "CreateWorkspaceApiKey CreateWorkspaceServiceAccountToken",
        "iam": (
            "CreateAccessKey CreateLoginProfile CreateServiceSpecificCredential CreateVirtualMFADevice "
            "ResetServiceSpecificCredential UpdateLoginProfile"
        ),
        "iot": "CreateKeysAndCertificate CreateProvisioningClaim",
        "iot-managed-integrations": "CreateProvisioningProfile",
        "iotsecuretunneling": "OpenTunnel RotateTunnelAccessToken",
        "iotwireless": "AssociateAwsAccountWithPartnerAccount GetWirelessDevice",
        "ivs": "BatchGetStreamKey CreateChannel CreateStreamKey GetStreamKey",
        "ivs-realtime": (
            "CreateIngestConfiguration CreateParticipantToken CreateStage GetIngestConfiguration "
            "UpdateIngestConfiguration"
        ),
        "ivschat": "CreateChatToken",
        "kinesis-video-archived-media": "GetDASHStreamingSessionURL GetHLSStreamingSessionURL",
        "kinesis-video-signaling": "GetIceServerConfig",
        "kinesisanalyticsv2": "CreateApplicationPresignedUrl",
        "kms": "Decapsulate Decrypt DeriveSharedSecret Encapsulate GenerateDataKey GenerateDataKeyPair",
        "lakeformation": (
            "AssumeDecoratedRoleWithSAML GetTemporaryDataLocationCredentials GetTemporaryGlueFunctionCredentials "
            "GetTemporaryGluePartitionCredentials GetTemporaryGlueTableCredentials"
        ),
        "license-manager": "CreateToken GetAccessToken",
        "lightsail": (
            "CreateBucketAccessKey CreateContainerServiceRegistryLogin CreateKeyPair DownloadDefaultKeyPair "
            "GetBucketAccessKeys GetInstanceAccessDetails GetRelationalDatabaseMasterUserPassword "
            "CreateGUISessionAccessDetails"
        ),
        "location": "CreateKey DescribeKey",
        "managedblockchain": "CreateAccessor GetAccessor",
        "mediapackage": (
            "ConfigureLogs CreateChannel DescribeChannel ListChannels RotateChannelCredentials "
            "RotateIngestEndpointCredentials UpdateChannel"
        ),
        "mwaa": "CreateCliToken CreateWebLoginToken",
        "mwaa-serverless": "CreateAirflowUiUrl",
        "payment-cryptography": "ExportKey",
        "pca-connector-scep": "CreateChallenge GetChallengePassword",
        "pcs": "RegisterComputeNodeGroupInstance",
        "quicksight": (
            "GenerateEmbedUrlForAnonymousUser GenerateEmbedUrlForRegisteredUser "
            "GenerateEmbedUrlForRegisteredUserWithIdentity GetDashboardEmbedUrl GetSessionEmbedUrl"
        ),
        "redshift": "GetClusterCredentials GetClusterCredentialsWithIAM GetIdentityCenterAuthToken",
        "redshift-serverless": "GetCredentials GetIdentityCenterAuthToken",
        "route53domains": "RetrieveDomainAuthCode TransferDomainToAnotherAwsAccount",
        "s3": "CreateSession",
        "s3control": "GetDataAccess",
        "sagemaker": (
            "CreatePresignedDomainUrl CreatePresignedMlflowAppUrl CreatePresignedMlflowTrackingServerUrl "
            "CreatePresignedNotebookInstanceUrl StartSession"
        ),
        "secretsmanager": "BatchGetSecretValue GetSecretValue",
        "securityagent": "UpdateIntegration",
        "signin": "CreateBearerToken CreateOAuth2Token CreateOAuth2TokenWithIAM CreateOAuth2TokenWithTokenExchange",
        "snowball": "GetJobManifest GetJobUnlockCode",
        "ssm": "CreateActivation GetAccessToken ResumeSession StartSession",
        "sso": "GetRoleCredentials",
        "sso-oidc": "CreateToken CreateTokenWithIAM RegisterClient",
        "storagegateway": "DescribeChapCredentials",
        "wafv2": "CreateAPIKey ListAPIKeys",
        "wickr": "GetOidcInfo GetOpentdfConfig RegisterOidcConfig RegisterOpentdfConfig",
        "workmail": "AssumeImpersonationRole",
        "workspaces-thin-client": "CreateEnvironment GetEnvironment ListEnvironments UpdateEnvironment",
    }.items()
}
# Read with the secrets that they hold in clear only where this is asked for.
_DECRYPTING = frozenset({"GetParameter", "GetParameterHistory", "GetParameters", "GetParametersByPath"})
# Read with a data source's password unless it is asked to be left out.
_CONNECTIONS = frozenset({"GetConnection", "GetConnections"})
_LONGEST = 60
_WORDS = re.compile("(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def hands_out(request: Request) -> str | None:
    """Return the operation's name if the call hands out a credential, as a scope spells it: `sts.assume_role`.

    It is cut to the 60 characters for which a scope has room after `aws.`.
    """
    call = cast("Call", request)
    if not _is_handing_out(call):
        return None
    return f"{call.service}.{_WORDS.sub('_', call.operation).lower()}"[:_LONGEST]


def _is_handing_out(call: Call) -> bool:
    if call.service == "sts":
        return call.operation not in _OF_STS
    if call.service == "ssm" and call.operation in _DECRYPTING:
        return call.parameters.get("WithDecryption", False) is not False
    if call.service == "glue" and call.operation in _CONNECTIONS:
        return call.parameters.get("HidePassword", False) is not True
    return call.operation in _HANDING_OUT.get(call.service, ())
