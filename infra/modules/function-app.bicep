// The function app on Flex Consumption, and its settings.

@description('Name of the app, and first part of its address.')
param name string

@description('Name of its plan.')
param planName string

@description('The region of both.')
param location string

@description('The tags of both.')
param tags object

@description('Resource id of the app\'s identity.')
param identityId string

@description('Client id of the app\'s identity.')
param identityClientId string

@description('Name of the storage account.')
param storageAccountName string

@description('The container that the app\'s package is put in.')
param packageContainer string

@description('Name of the Application Insights resource.')
param applicationInsightsName string

@description('Memory of an instance in megabytes.')
param instanceMemory int

@description('How many instances there may be at most.')
param maximumInstances int

@description('How many requests an instance takes at once.')
param httpConcurrency int

@description('Instances kept running for HTTP.')
param alwaysReadyHttp int

@description('Instances kept running for orchestrations and activities.')
param alwaysReadyDurable int

@description('Origins whose pages may call the API.')
param corsAllowedOrigins array

@description('The app\'s own settings by name; they come before those made up here.')
param settings object

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: storageAccountName
}

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

// All HTTP functions share one group of instances, all durable ones another.
var readyForHttp = (alwaysReadyHttp > 0) ? [
  {
    name: 'http'
    instanceCount: alwaysReadyHttp
  }
] : []
var readyForDurable = (alwaysReadyDurable > 0) ? [
  {
    name: 'durable'
    instanceCount: alwaysReadyDurable
  }
] : []

// The host and the app share one account and one identity, and both read these names.
// Telemetry of the host goes to Application Insights in the host's own way, with a token. Two settings are missing on
// purpose. AzureFunctionsJobHost__telemetryMode=OpenTelemetry: the host's exporters for it were last seen to send without
// a token, which an Application Insights resource that knows no keys refuses. PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY:
// it makes Microsoft's worker load a distribution that the package does not have. The app sends its own traces itself
// (TELEMETRY), one for each job; they and the host's meet in the job's id.
var hostSettings = {
  AzureWebJobsStorage__blobServiceUri: account.properties.primaryEndpoints.blob
  AzureWebJobsStorage__queueServiceUri: account.properties.primaryEndpoints.queue
  AzureWebJobsStorage__tableServiceUri: account.properties.primaryEndpoints.table
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: component.properties.ConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
}

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  // checkov:skip=CKV_AZURE_225: zones cost an always-ready instance at least; records and videos are in one zone's storage
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true // Linux
  }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  // checkov:skip=CKV_AZURE_17: callers have function keys, not certificates
  // checkov:skip=CKV_AZURE_212: a consumption plan has no number of instances to set; it scales by itself
  // checkov:skip=CKV_AZURE_213: the platform watches instances of a consumption plan without being told an address
  // checkov:skip=CKV_AZURE_222: the API is for the internet, and is held by function keys
  name: name
  location: location
  tags: union(tags, {
    'azd-service-name': 'api'
  })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    publicNetworkAccess: 'Enabled'
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${account.properties.primaryEndpoints.blob}${packageContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        alwaysReady: concat(readyForHttp, readyForDurable)
        instanceMemoryMB: instanceMemory
        maximumInstanceCount: maximumInstances
        triggers: {
          http: {
            perInstanceConcurrency: httpConcurrency
          }
        }
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      http20Enabled: true
      ftpsState: 'Disabled'
      cors: {
        allowedOrigins: corsAllowedOrigins
        supportCredentials: false
      }
    }
  }
}

// All settings, and no others: what is set by hand elsewhere is gone with the next deployment.
resource appSettings 'Microsoft.Web/sites/config@2024-11-01' = {
  // These checks are meant for the site and for its other configurations; here they find settings, which have none of it.
  // checkov:skip=CKV_AZURE_13: function keys, not App Service Authentication
  // checkov:skip=CKV_AZURE_63: Application Insights has every request
  // checkov:skip=CKV_AZURE_65: as CKV_AZURE_63 above
  // checkov:skip=CKV_AZURE_66: as CKV_AZURE_63 above
  // checkov:skip=CKV_AZURE_80: the app is in Python
  // checkov:skip=CKV_AZURE_88: instances share nothing but the storage account
  // checkov:skip=CKV_AZURE_222: as for the app above
  parent: app
  name: 'appsettings'
  properties: union(hostSettings, settings)
}

// Packages come with a token of whoever deploys: the passwords of the publishing profile are switched off.
resource passwordsOfDeployment 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
}

resource passwordsOfFtp 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
}

@description('Name of the app.')
output name string = app.name

@description('Its address.')
output url string = 'https://${app.properties.defaultHostName}'
